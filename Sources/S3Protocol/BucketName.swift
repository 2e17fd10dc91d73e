/// The rules for bucket names.
package enum BucketName {
    /// True for a name that some bucket could have: length, characters and labels. Buckets of other names need not be
    /// looked for.
    package static func isPossible(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (3...63).contains(bytes.count), let last = bytes.last else { return false }
        guard isLetterOrDigit(bytes[0]), isLetterOrDigit(last) else { return false }
        for index in bytes.indices {
            let byte = bytes[index]
            guard isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") else { return false }
            // Each label begins and ends with a letter or digit, so that the name is a host name.
            if byte == UInt8(ascii: "."), !(isLetterOrDigit(bytes[index - 1]) && isLetterOrDigit(bytes[index + 1])) {
                return false
            }
        }
        return !isIPv4(bytes)
    }

    /// Refuses, with InvalidBucketName, a name that a new bucket may not have: reserved prefixes and suffixes too.
    package static func validateForCreation(_ name: String) throws(S3Error) {
        let reserved =
            name == "minio" || reservedPrefixes.contains { name.hasPrefix($0) }
            || reservedSuffixes.contains { name.hasSuffix($0) }
        guard isPossible(name), !reserved else { throw invalid(name) }
    }

    static func invalid(_ name: String) -> S3Error {
        S3Error(.invalidBucketName, details: [S3Error.Detail("BucketName", name)])
    }

    private static let reservedPrefixes = ["xn--", "sthree-", "amzn-s3-demo-"]
    private static let reservedSuffixes = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }

    /// Four groups of digits have the form of an address, whatever their values.
    private static func isIPv4(_ bytes: [UInt8]) -> Bool {
        bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).count == 4
            && bytes.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    }
}

/// The rule for object keys: 1 to 1,024 bytes of UTF-8, any of them.
package enum ObjectKeyRule {
    package static let bytesMax = 1024

    package static func validate(_ key: [UInt8]) throws(S3Error) {
        guard key.count <= bytesMax else {
            throw S3Error(
                .keyTooLongError,
                details: [
                    S3Error.Detail("Size", String(key.count)), S3Error.Detail("MaxSizeAllowed", String(bytesMax)),
                ])
        }
    }
}
