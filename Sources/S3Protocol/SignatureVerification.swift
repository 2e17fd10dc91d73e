package import Base
import Digests

extension AuthorizationClaim {
    /// Verifies the claim against the request. `key` is the signing key of the claim's scope, made from the secret of
    /// `accessKey`.
    ///
    /// Checked in AWS's order: region, time, which fields are signed, then the signature. Returns how the body is to be
    /// read.
    package func verify(
        _ head: RequestHead, target: RequestTarget, key: SigningKey, now: Timestamp, region: String
    ) throws(S3Error) -> PayloadMode {
        try checkRegion(region)
        try checkTime(now)
        try checkSignedHeaders(head)
        let canonical = CanonicalRequest(
            head, target, signedHeaders: signedHeaders, payload: payload,
            omitting: placement == .query ? "x-amz-signature" : nil)
        let stringToSign = stringToSign(canonical)
        let expected = key.sign(stringToSign)
        guard constantTimeEqual(expected, signature) else { throw mismatch(canonical, stringToSign) }
        return try payloadMode(payload, head, signer: ChunkSigner(key: key, claim: self))
    }

    package func verify(
        _ head: RequestHead, target: RequestTarget, secretKey: String, now: Timestamp, region: String
    ) throws(S3Error) -> PayloadMode {
        try verify(head, target: target, key: SigningKey(secretKey: secretKey, scope: scope), now: now, region: region)
    }

    private func checkRegion(_ region: String) throws(S3Error) {
        guard scope.region != region else { return }
        let fact = "the region '\(scope.region)' is wrong; expecting '\(region)'"
        switch placement {
        case .header:
            throw S3Error(.authorizationHeaderMalformed, "The authorization header is malformed; \(fact)")
                .with("Region", region)
        case .query:
            throw S3Error(
                .authorizationQueryParametersError, "Error parsing the X-Amz-Credential parameter; \(fact)"
            ).with("Region", region)
        }
    }

    private func checkTime(_ now: Timestamp) throws(S3Error) {
        guard let expiresSeconds else {
            guard isNear(now) else {
                throw S3Error(.requestTimeTooSkewed)
                    .with("RequestTime", timeText)
                    .with("ServerTime", ISO8601.formatSeconds(now))
                    .with("MaxAllowedSkewMilliseconds", String(Self.skewSecondsMax * 1000))
            }
            return
        }
        guard time.seconds <= now.seconds + Self.skewSecondsMax else {
            throw S3Error(.accessDenied, "Request is not yet valid")
                .with("X-Amz-Date", timeText).with("ServerTime", ISO8601.formatSeconds(now))
        }
        let end = time.seconds + expiresSeconds
        guard now.seconds < end else {
            throw S3Error(.accessDenied, "Request has expired")
                .with("X-Amz-Expires", String(expiresSeconds))
                .with("Expires", ISO8601.formatSeconds(Timestamp(seconds: end)))
                .with("ServerTime", ISO8601.formatSeconds(now))
        }
    }

    /// Host and every x-amz- field must be signed: what is not could have been added by somebody on the way. But for
    /// x-amz-content-sha256, whose value is a line of what is signed anyway.
    private func checkSignedHeaders(_ head: RequestHead) throws(S3Error) {
        let signed = signedHeaders.split(separator: UInt8(ascii: ";"))
        func isSigned(_ name: RequestHead.Slice) -> Bool { signed.contains { head.equals(name, $0) } }
        var missing: [String] = []
        for field in head.fields where head.isHost(field.name) || head.hasAmzPrefix(field.name) {
            if isSigned(field.name) || head.matches(field.name, "x-amz-content-sha256") { continue }
            missing.append(head.lowercased(field.name))
        }
        if !signed.contains(where: { $0.elementsEqual("host".utf8) }), !missing.contains("host") {
            missing.insert("host", at: 0)
        }
        guard missing.isEmpty else {
            throw S3Error(.accessDenied, "There were headers present in the request which were not signed")
                .with("HeadersNotSigned", missing.joined(separator: ", "))
        }
    }

    private func stringToSign(_ canonical: CanonicalRequest) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(192)
        text.append(contentsOf: Self.algorithm.utf8)
        text.append("\n")
        text.append(contentsOf: timeText.utf8)
        text.append("\n")
        text.append(contentsOf: scope.text.utf8)
        text.append("\n")
        text.append(contentsOf: Hex.encodeBytes(SHA256.of(canonical.bytes)))
        return text
    }

    /// AWS shows what it signed, so that the author of a client can compare. Nothing in it is secret.
    private func mismatch(_ canonical: CanonicalRequest, _ stringToSign: [UInt8]) -> S3Error {
        S3Error(.signatureDoesNotMatch)
            .with("AWSAccessKeyId", accessKey)
            .with("StringToSign", String(decoding: stringToSign, as: UTF8.self))
            .with("SignatureProvided", String(decoding: signature, as: UTF8.self))
            .with("StringToSignBytes", S3Error.dump(stringToSign))
            .with("CanonicalRequest", String(decoding: canonical.bytes, as: UTF8.self))
            .with("CanonicalRequestBytes", S3Error.dump(canonical.bytes))
    }
}

extension S3Error {
    /// Bytes as AWS shows them: two digits each, with spaces between.
    static func dump(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count * 3)
        for pair in stride(from: 0, to: bytes.count, by: 1) {
            if pair > 0 { output.append(" ") }
            output.append(contentsOf: Hex.encodeBytes(CollectionOfOne(bytes[pair])))
        }
        return String(decoding: output, as: UTF8.self)
    }
}

extension Authorization {
    /// How the body of a request without a signature is to be read. Chunks cannot be signed when nothing else is.
    package static func anonymousPayload(
        _ declaration: PayloadDeclaration, head: RequestHead
    ) throws(S3Error) -> PayloadMode {
        try unsignedPayload(declaration, head: head)
    }

    /// The same for a signature that does not cover the body.
    static func unsignedPayload(
        _ declaration: PayloadDeclaration, head: RequestHead
    ) throws(S3Error) -> PayloadMode {
        if case .signedChunks = declaration {
            throw S3Error(.accessDenied, "Signed chunks need a request with a version 4 signature")
        }
        return try payloadMode(declaration, head, signer: nil)
    }
}

private func payloadMode(
    _ payload: PayloadDeclaration, _ head: RequestHead, signer: ChunkSigner?
) throws(S3Error) -> PayloadMode {
    switch payload {
    case .unsigned: return .plain
    case .sha256(let hex):
        // The declaration was checked to be 64 hex digits when it was read.
        guard let digest = Hex.decode(hex) else { return .plain }
        return .verified(sha256: digest)
    case .signedChunks(let trailer):
        return .chunked(try chunkedPayload(head, signer: signer, hasTrailer: trailer))
    case .unsignedChunks:
        return .chunked(try chunkedPayload(head, signer: nil, hasTrailer: true))
    }
}

private func chunkedPayload(
    _ head: RequestHead, signer: ChunkSigner?, hasTrailer: Bool
) throws(S3Error) -> ChunkedPayload {
    guard let text = head.value("x-amz-decoded-content-length") else { throw S3Error(.missingContentLength) }
    guard let length = Int64(text), length >= 0, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
        throw .invalidArgument(
            "x-amz-decoded-content-length must be a non-negative integer", name: "x-amz-decoded-content-length",
            value: text)
    }
    let names = try TrailerNames.parse(head)
    return ChunkedPayload(
        signer: signer, hasTrailer: hasTrailer, decodedLength: length, trailerNames: hasTrailer ? names : [])
}

extension RequestHead {
    func isHost(_ name: Slice) -> Bool { matches(name, "host") }

    func hasAmzPrefix(_ name: Slice) -> Bool { hasPrefix(name, "x-amz-") }

    /// True when the slice begins with the lower-case `prefix`, ASCII case ignored.
    func hasPrefix(_ slice: Slice, _ prefix: StaticString) -> Bool {
        guard Int(slice.count) >= prefix.utf8CodeUnitCount else { return false }
        return matches(Slice(start: Int(slice.start), count: prefix.utf8CodeUnitCount), prefix)
    }
}
