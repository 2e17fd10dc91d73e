import Base
import Digests

/// The owner of a bucket or object, and the initiator of an upload.
package struct OwnerElement: Hashable, Sendable {
    package var id: String
    package var displayName: String?
    package init(id: String, displayName: String? = nil) {
        self.id = id
        self.displayName = displayName
    }
}

extension XMLWriter {
    package mutating func owner(_ name: StaticString, _ owner: OwnerElement) {
        open(name)
        element("ID", owner.id)
        element(ifPresent: "DisplayName", owner.displayName)
        close(name)
    }

    mutating func timestamp(_ name: StaticString, _ timestamp: Timestamp) {
        element(name, time: timestamp)
    }

    /// An entity tag in its quotes.
    mutating func etag(_ etag: String) { element("ETag", "\"\(etag)\"") }

    /// A key, prefix or delimiter, percent-encoded if the client asked for it.
    package mutating func key(_ name: StaticString, _ key: [UInt8], urlEncoded: Bool) {
        element(name, bytes: urlEncoded ? PercentEncoding.encodeForListing(key) : key)
    }

    mutating func key(ifPresent name: StaticString, _ key: [UInt8]?, urlEncoded: Bool) {
        if let key { self.key(name, key, urlEncoded: urlEncoded) }
    }

    mutating func commonPrefixes(_ prefixes: [[UInt8]], urlEncoded: Bool) {
        for prefix in prefixes {
            open("CommonPrefixes")
            key("Prefix", prefix, urlEncoded: urlEncoded)
            close("CommonPrefixes")
        }
    }

    mutating func checksum(_ value: ChecksumValue?) {
        if let value { element(named: value.algorithm.elementName, value.text) }
    }
}

extension XMLElement {
    /// The only checksum among the children; nil when there is none. Several are MalformedXML.
    func checksum() throws(S3Error) -> ChecksumValue? {
        var found: ChecksumValue?
        for algorithm in ChecksumAlgorithm.allCases {
            guard let text = try trimmed(algorithm.elementName) else { continue }
            guard found == nil else { throw S3Error(.malformedXML) }
            guard let value = ChecksumValue(algorithm, parsing: text) else {
                throw S3Error(.invalidRequest, "Value for \(algorithm.elementName) is invalid.")
            }
            found = value
        }
        return found
    }

    static let checksumNames = ChecksumAlgorithm.allCases.map(\.elementName)
}
