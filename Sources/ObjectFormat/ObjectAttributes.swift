package import Base

/// The content headers that S3 keeps with an object and gives back as they were sent. nil: not sent.
package struct ContentHeaders: Hashable, Sendable {
    package var contentType: String?
    package var contentEncoding: String?
    package var contentDisposition: String?
    package var contentLanguage: String?
    package var cacheControl: String?
    package var expires: String?
    /// `x-amz-website-redirect-location`.
    package var websiteRedirect: String?

    package init() {}
}

/// One entry of user metadata (`x-amz-meta-NAME`), or one tag. Order is kept.
package struct NameValue: Hashable, Sendable {
    package var name: String
    package var value: String
    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// Raw values are on disk for ever.
package enum StorageClass: UInt8, Hashable, Sendable {
    case standard = 1
    /// Recorded and returned; stored as STANDARD.
    case reducedRedundancy = 2
}

/// Which version of a key: the one without an id, or the one that a commit created.
package enum VersionID: Hashable, Sendable {
    case null
    case id(Position)
}

extension VersionID: CustomStringConvertible {
    package var description: String {
        switch self {
        case .null: "null"
        case .id(let position): UniqueID(high: position.epoch, low: position.sequence).description
        }
    }

    package init?(_ text: some StringProtocol) {
        if text == "null" {
            self = .null
        } else if let id = UniqueID(text) {
            self = .id(Position(epoch: id.high, sequence: id.low))
        } else {
            return nil
        }
    }
}
