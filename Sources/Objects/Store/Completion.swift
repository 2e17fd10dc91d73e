import Base
import Digests
import Drives
import ObjectFormat

/// What an object made of parts will be: worked out from the claims and the parts found, without I/O.
struct Assembly: Sendable {
    var entries: [PartMapEntry] = []
    var etag = ""
    var checksum: ObjectChecksum?
    var size: Int64 = 0

    /// `parts` are the upload's parts by number. Throws what S3 answers to claims that do not fit them.
    init(
        claims: [PartClaim], parts: [Int: PartRecord], upload: UploadRecord, partBytesMin: Int64
    ) throws(ObjectError) {
        try Self.checkOrder(claims)
        // All parts are looked up before the size of any is judged, as AWS does.
        for claim in claims where parts[claim.number]?.etag != claim.etag { throw .invalidPart(number: claim.number) }
        for (index, claim) in claims.enumerated() {
            guard let part = parts[claim.number] else { throw .invalidPart(number: claim.number) }
            if claim.checksum == nil, upload.isChecksumChosen, upload.checksumType == .composite {
                let algorithm = upload.checksumAlgorithm.name.lowercased()
                throw .checksumMismatch(
                    detail:
                        "The upload was created using a \(algorithm) checksum. The complete request must include the "
                        + "checksum for each part. It was missing for part \(claim.number) in the request.")
            }
            // A claim in another algorithm than the upload keeps is that of an SDK's own choosing, and was verified with the part.
            if let claimed = claim.checksum, upload.isChecksumChosen || claimed.algorithm == part.checksum?.algorithm,
                claimed.value != part.checksum?.value || claimed.algorithm != part.checksum?.algorithm
            {
                throw .invalidPart(number: claim.number)
            }
            if index < claims.count - 1, part.size < partBytesMin {
                throw .entityTooSmall(
                    number: claim.number, size: part.size, minimum: partBytesMin, etag: part.etag)
            }
            entries.append(
                PartMapEntry(
                    number: claim.number, offset: size, size: part.size, checksum: part.checksum, layout: part.layout))
            size += part.size
        }
        guard let etag = Self.etag(of: claims) else { throw .invalidPart(number: claims.first?.number ?? 1) }
        self.etag = etag
        checksum = Self.checksum(of: entries, upload.checksumAlgorithm, upload.checksumType)
    }

    static func checkOrder(_ claims: [PartClaim]) throws(ObjectError) {
        guard let first = claims.first, claims.count <= PartNumber.max else { throw .invalidPart(number: 1) }
        guard (1...PartNumber.max).contains(first.number) else { throw .invalidPart(number: first.number) }
        for (earlier, later) in zip(claims, claims.dropFirst()) {
            guard earlier.number < later.number else { throw .invalidPartOrder }
            guard later.number <= PartNumber.max else { throw .invalidPart(number: later.number) }
        }
    }

    /// The MD5 of the parts' MD5s; nil when a claim is not an MD5. It says which parts were claimed, so it recognises a retry too.
    static func etag(of claims: [PartClaim]) -> String? {
        var md5 = MD5()
        for claim in claims {
            guard let digest = Hex.decode(claim.etag), digest.count == MD5.byteCount else { return nil }
            md5.update(digest)
        }
        return "\(Hex.encode(md5.finish()))-\(claims.count)"
    }

    /// nil when some part lacks a checksum of the algorithm.
    static func checksum(
        of entries: [PartMapEntry], _ algorithm: ChecksumAlgorithm, _ type: ChecksumType
    ) -> ObjectChecksum? {
        var values: [[UInt8]] = []
        for entry in entries {
            guard let checksum = entry.checksum, checksum.algorithm == algorithm else { return nil }
            values.append(checksum.value)
        }
        switch type {
        case .composite:
            var digest = Digests.Checksum(algorithm)
            for value in values { digest.update(value) }
            return ObjectChecksum(
                algorithm: algorithm, type: .composite, value: digest.finish(), partCount: entries.count)
        case .fullObject:
            guard var sum = values.first else { return nil }
            for (value, entry) in zip(values, entries).dropFirst() {
                guard let next = algorithm.combine(sum, value, countOfB: UInt64(entry.size)) else { return nil }
                sum = next
            }
            return ObjectChecksum(algorithm: algorithm, value: sum)
        }
    }

    /// Judges what the client says of the whole.
    func check(_ options: CompleteOptions, _ upload: UploadRecord) throws(ObjectError) {
        if let expected = options.expectedSize, expected != size {
            throw .sizeMismatch(expected: expected, found: size)
        }
        if let type = options.checksumType, type != upload.checksumType {
            throw .checksumMismatch(
                detail: "The checksum type of the request does not match that of the upload.")
        }
        if let expected = options.checksum {
            guard let checksum, checksum.algorithm == expected.algorithm, checksum.value == expected.value else {
                throw .badDigest(expected.algorithm)
            }
        }
    }

    var pages: [PartMapPage] {
        stride(from: 0, to: entries.count, by: PartMapPage.entriesMax).map { start in
            PartMapPage(entries: Array(entries[start..<min(start + PartMapPage.entriesMax, entries.count)]))
        }
    }
}

extension PartMapReference {
    init(upload: UniqueID, partCount: Int, pages: [PartMapPage]) {
        self.init(
            upload: upload, partCount: partCount,
            pages: pages.compactMap { page in page.entries.first.map { PageStart(offset: $0.offset, number: $0.number) }
            })
    }
}
