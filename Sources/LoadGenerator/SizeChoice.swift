import Glibc

/// The sizes of the objects that are put, drawn per object.
package struct SizeChoice: Hashable, Sendable {
    package struct Part: Hashable, Sendable {
        package var smallest: Int
        package var largest: Int
        /// Every power of two as likely as the next, not every byte count.
        package var isLogarithmic: Bool
        package var weight: Int
    }
    package private(set) var parts: [Part]
    private let weights: Int
    /// As it was written.
    package let text: String

    /// So that weights add up without overflow.
    private static let weightMax = 1_000_000
    private static let partsMax = 64

    package init(bytes: Int) {
        parts = [Part(smallest: bytes, largest: bytes, isLogarithmic: false, weight: 1)]
        (weights, text) = (1, String(bytes))
    }

    /// `4KiB`; a range, even (`4KiB..1MiB`) or even in the logarithm (`log:4KiB..1MiB`); or several with weights: `4KiB:70,1MiB:25,64MiB:5`
    /// (or `=` for `:`).
    package init?(_ text: String) {
        var parts: [Part] = []
        for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let part = Self.part(piece) else { return nil }
            parts.append(part)
        }
        guard !parts.isEmpty, parts.count <= Self.partsMax else { return nil }
        (self.parts, self.text) = (parts, text)
        weights = parts.reduce(0) { $0 + $1.weight }
    }

    private static func part(_ text: Substring) -> Part? {
        var rest = text, weight = 1
        let isLogarithmic = rest.hasPrefix("log:")
        if isLogarithmic { rest = rest.dropFirst(4) }
        if let mark = rest.lastIndex(where: { $0 == ":" || $0 == "=" }) {
            guard let found = Int(rest[rest.index(after: mark)...]), (1...weightMax).contains(found) else { return nil }
            weight = found
            rest = rest[..<mark]
        }
        guard let dots = rest.firstRange(of: "..") else {
            guard !isLogarithmic, let size = bytes(rest) else { return nil }
            return Part(smallest: size, largest: size, isLogarithmic: false, weight: weight)
        }
        guard let smallest = bytes(rest[..<dots.lowerBound]), let largest = bytes(rest[dots.upperBound...]),
            smallest <= largest
        else { return nil }
        return Part(smallest: smallest, largest: largest, isLogarithmic: isLogarithmic, weight: weight)
    }

    package static func bytes(_ text: some StringProtocol) -> Int? {
        let units: [(String, Int)] = [
            ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30),
            ("B", 1),
        ]
        for (suffix, factor) in units where text.hasSuffix(suffix) {
            guard let count = Int(text.dropLast(suffix.count)), count >= 0 else { return nil }
            let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
            return overflow ? nil : bytes
        }
        guard let count = Int(text), count >= 0 else { return nil }
        return count
    }

    /// `random` chooses the part, `within` the size in it.
    package func choose(_ random: UInt64, within: UInt64) -> Int {
        var left = Int(random % UInt64(weights))
        for part in parts {
            left -= part.weight
            if left < 0 { return part.choose(within) }
        }
        return largest
    }

    package var largest: Int { parts.reduce(0) { max($0, $1.largest) } }
}

extension SizeChoice.Part {
    fileprivate func choose(_ random: UInt64) -> Int {
        guard smallest < largest else { return smallest }
        guard isLogarithmic else { return smallest + Int(random % (UInt64(largest - smallest) + 1)) }
        // 53 bits: what a Double between 0 and 1 holds.
        let share = Double(random >> 11) / Double(1 << 53)
        // A range from 0 begins as one from 1 does: there is no logarithm of 0.
        let low = log(Double(max(smallest, 1))), high = log(Double(largest) + 1)
        return min(largest, max(smallest, Int(exp(low + (high - low) * share))))
    }
}
