/// The value of If-Match or If-None-Match: anything, or a list of entity tags.
package enum ETagList: Hashable, Sendable {
    case any
    case tags([Tag])

    package struct Tag: Hashable, Sendable {
        /// Without its quotes.
        package var value: String
        package var isWeak: Bool
        package init(value: String, isWeak: Bool = false) {
            self.value = value
            self.isWeak = isWeak
        }
    }

    /// Tags may lack their quotes: S3's clients often send them so.
    package init(parsing text: String) {
        let text = text.trimmingSpaces()
        guard text != "*" else {
            self = .any
            return
        }
        self = .tags(text.split(separator: ",").map { Self.tag($0.trimmingSpaces()) }.filter { !$0.value.isEmpty })
    }

    private static func tag(_ text: Substring) -> Tag {
        let isWeak = text.hasPrefix("W/")
        return Tag(value: Self.unquoted(isWeak ? text.dropFirst(2) : text), isWeak: isWeak)
    }

    /// An entity tag without its quotes.
    package static func unquoted(_ text: some StringProtocol) -> String {
        let text = String(text)
        guard text.utf8.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return text }
        return String(text.dropFirst().dropLast())
    }

    /// Whether an object with this entity tag (given without quotes) is meant. If-Match compares strongly,
    /// If-None-Match weakly.
    package func matches(_ etag: String, strongly: Bool) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains { $0.value == etag && !(strongly && $0.isWeak) }
        }
    }
}
