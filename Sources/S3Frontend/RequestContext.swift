import Base
import HTTPServer
import ObjectFormat
import Objects
import S3Protocol

/// One request whose operation is known and whose signer is verified: what every operation gets.
struct RequestContext: Sendable {
    var head: RequestHead
    var request: S3Request
    var signer: SignerIdentity
    var payload: PayloadMode
    /// What policies may ask of the connection and the moment.
    var remoteAddress = ""
    var isSecure = false
    var now = Timestamp(seconds: 0)
    /// nil where a request comes from the server itself, or has not been let in.
    var pass: TrafficPass?

    var target: RequestTarget { request.target }
    var tenant: TenantID { signer.tenant }
    /// Empty for requests of the service.
    var bucketOrEmpty: String { request.address.bucket ?? "" }
    /// Empty for requests of a bucket or the service.
    var key: [UInt8] { request.address.key ?? [] }
    var objectKey: ObjectKey { ObjectKey(key) }

    /// A header's text; nil when it is absent.
    func header(_ name: StaticString) -> String? { head.value(name) }

    /// The version that the query names. A text that can't be one names no version that exists.
    func versionID() throws(S3Error) -> VersionID? {
        guard let text = target.string("versionId") else { return nil }
        guard !text.isEmpty else {
            throw .invalidArgument("Version id cannot be the empty string", name: "versionId", value: "")
        }
        guard let version = VersionID(text) else {
            throw .invalidArgument("Invalid version id specified", name: "versionId", value: text)
        }
        return version
    }

    /// `uploadId` of the query.
    func uploadID() throws(S3Error) -> UniqueID {
        let text = target.string("uploadId") ?? ""
        guard let id = UniqueID(text) else { throw .noSuchUpload(text) }
        return id
    }
}

extension RequestContext {
    /// A look at a bucket's web site, before it is known what of it: as far as limits ask.
    init(visit exchange: HTTPExchange, of bucket: String, in tenant: TenantID, now: Timestamp) throws(S3Error) {
        self.init(
            head: exchange.head,
            request: S3Request(
                operation: .getObject, address: ResourceAddress(bucket: bucket), target: try RequestTarget("/")),
            signer: .anonymous(in: tenant), payload: .plain, remoteAddress: exchange.remoteAddress,
            isSecure: exchange.isSecure, now: now)
    }
}
