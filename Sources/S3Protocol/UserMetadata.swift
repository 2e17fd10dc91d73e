package import Base

/// The x-amz-meta- fields of a request.
package enum UserMetadata {
    package static let bytesMax = 2048

    package struct Entry: Hashable, Sendable {
        /// In lower case, without the prefix.
        package var name: String
        /// The bytes as sent. They may be UTF-8, Latin-1 or RFC 2047 words: they go back as they came.
        package var value: [UInt8]
        package init(name: String, value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// In the order of first appearance; the values of one name joined by commas. Names and values together hold at
    /// most 2 KiB.
    package static func parse(_ head: RequestHead) throws(S3Error) -> [Entry] {
        let prefix: StaticString = "x-amz-meta-"
        var entries: [Entry] = []
        var total = 0
        for field in head.fields where head.hasPrefix(field.name, prefix) {
            let name = String(head.lowercased(field.name).dropFirst(prefix.utf8CodeUnitCount))
            let value = Array(head.bytes[field.value.range])
            total += value.count
            if let index = entries.firstIndex(where: { $0.name == name }) {
                total += 1
                entries[index].value.append(UInt8(ascii: ","))
                entries[index].value.append(contentsOf: value)
            } else {
                total += name.utf8.count
                entries.append(Entry(name: name, value: value))
            }
        }
        guard total <= bytesMax else {
            throw S3Error(
                .metadataTooLarge,
                details: [S3Error.Detail("Size", String(total)), S3Error.Detail("MaxSizeAllowed", String(bytesMax))])
        }
        return entries
    }
}
