package import Base
import Digests

/// The Content-MD5 field.
package enum ContentMD5 {
    /// The 16 bytes; nil when there is no such field.
    package static func parse(_ head: RequestHead) throws(S3Error) -> [UInt8]? {
        guard let text = head.value("content-md5") else { return nil }
        guard let digest = Base64.decode(text), digest.count == 16 else {
            throw S3Error(.invalidDigest).with("Content-MD5", text)
        }
        return digest
    }

    /// BadDigest when the body was another one.
    package static func verify(expected: [UInt8], computed: [UInt8]) throws(S3Error) {
        guard expected == computed else {
            throw S3Error(.badDigest, "The Content-MD5 you specified did not match what we received.")
                .with("ExpectedDigest", Hex.encode(expected))
                .with("CalculatedDigest", Base64.encode(computed))
        }
    }

    /// XAmzContentSHA256Mismatch when the body was another one.
    package static func verifySHA256(declared: [UInt8], computed: [UInt8]) throws(S3Error) {
        guard declared == computed else {
            throw S3Error(.xAmzContentSHA256Mismatch)
                .with("ClientComputedContentSHA256", Hex.encode(declared))
                .with("S3ComputedContentSHA256", Hex.encode(computed))
        }
    }
}
