import Base
import S3Protocol

/// Headers that ask for what is not built: refused, never ignored.
enum Unsupported {
    private static let headers: [StaticString] = [
        "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-server-side-encryption-context", "x-amz-server-side-encryption-customer-algorithm",
        "x-amz-server-side-encryption-customer-key", "x-amz-server-side-encryption-customer-key-md5",
        "x-amz-copy-source-server-side-encryption-customer-algorithm",
        "x-amz-copy-source-server-side-encryption-customer-key",
    ]

    static func refuse(_ context: RequestContext) throws(S3Error) {
        for name in headers where context.head.first(name) != nil {
            throw .notImplemented(header: "\(name)")
        }
    }
}
