package import Base

/// Who a request says it is from, before anything is verified.
package enum Authorization: Sendable {
    /// No signature. The body may still be in chunks.
    case anonymous(PayloadDeclaration)
    case signed(AuthorizationClaim)
    case signedVersionTwo(VersionTwoClaim)
}

/// The parts of a version 4 signature, from the Authorization field or from the query: well-formed, and not verified
/// yet.
package struct AuthorizationClaim: Sendable {
    package enum Placement: Sendable { case header, query }

    package var placement: Placement
    package var accessKey: String
    package var scope: CredentialScope
    /// As sent: lower-case names joined by semicolons.
    package var signedHeaders: [UInt8]
    /// As sent. 64 lower-case hex digits when it is right.
    package var signature: [UInt8]
    package var time: Timestamp
    /// `time` as `20130524T000000Z`.
    package var timeText: String
    /// Seconds that a presigned URL is good for.
    package var expiresSeconds: Int64?
    package var sessionToken: String?
    package var payload: PayloadDeclaration
}

/// `20130524/us-east-1/s3/aws4_request`
package struct CredentialScope: Hashable, Sendable {
    package var date: String
    package var region: String
    package var service: String

    package init(date: String, region: String, service: String = "s3") {
        self.date = date
        self.region = region
        self.service = service
    }

    package var text: String { "\(date)/\(region)/\(service)/aws4_request" }
}

extension AuthorizationClaim {
    static let algorithm = "AWS4-HMAC-SHA256"
    static let skewSecondsMax: Int64 = 15 * 60
    static let expiresSecondsMax: Int64 = 7 * 24 * 3600

    /// True when the request was stamped within 15 minutes of `now`, either way.
    func isNear(_ now: Timestamp) -> Bool {
        time.seconds >= now.seconds - Self.skewSecondsMax && time.seconds <= now.seconds + Self.skewSecondsMax
    }
}
