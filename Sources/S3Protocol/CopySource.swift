/// The value of x-amz-copy-source: `[/]bucket/key[?versionId=id]`, percent-encoded.
package struct CopySource: Hashable, Sendable {
    package var bucket: String
    package var key: [UInt8]
    package var versionID: String?

    package init(bucket: String, key: [UInt8], versionID: String? = nil) {
        self.bucket = bucket
        self.key = key
        self.versionID = versionID
    }

    package init(parsing value: String) throws(S3Error) {
        func refuse(_ message: String) -> S3Error { .invalidArgument(message, name: "x-amz-copy-source", value: value) }
        var path = Array(value.utf8)[...]
        var version: String?
        // A question mark that belongs to the key is percent-encoded, so the last plain one starts the query.
        if let question = path.lastIndex(of: UInt8(ascii: "?")) {
            let query = String(decoding: path[(question + 1)...], as: UTF8.self)
            if query.hasPrefix("versionId=") {
                version = PercentEncoding.decode(Array(query.dropFirst(10).utf8)).map {
                    String(decoding: $0, as: UTF8.self)
                }
                guard let version, !version.isEmpty else { throw refuse("Version id cannot be the empty string") }
                path = path[..<question]
            }
        }
        // A plus sign is a space here, as AWS reads it and s5cmd writes it.
        guard let decoded = PercentEncoding.decode(Array(path), plusIsSpace: true), isValidUTF8(decoded[...]) else {
            throw refuse("Invalid copy source encoding.")
        }
        let whole = decoded.first == UInt8(ascii: "/") ? decoded.dropFirst() : decoded[...]
        guard let slash = whole.firstIndex(of: UInt8(ascii: "/")), slash > whole.startIndex,
            slash + 1 < whole.endIndex
        else { throw refuse("Copy Source must mention the source bucket and key: sourcebucket/sourcekey") }
        bucket = String(decoding: whole[..<slash], as: UTF8.self)
        key = Array(whole[(slash + 1)...])
        versionID = version
        guard BucketName.isPossible(bucket) else { throw BucketName.invalid(bucket) }
        try ObjectKeyRule.validate(key)
    }
}
