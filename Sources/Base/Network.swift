/// An IPv4 or IPv6 address, or a block of them (`192.0.2.0/24`). IPv4 addresses mapped into IPv6 are IPv4 addresses.
package struct Network: Hashable, Sendable {
    /// 4 or 16 bytes.
    private let address: [UInt8]
    private let prefix: Int

    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, var address = Self.address(String(first)) else { return nil }
        var mapped = 0
        if address.count == 16, address[..<10].allSatisfy({ $0 == 0 }), address[10] == 0xFF, address[11] == 0xFF {
            address = Array(address[12...])
            mapped = 96
        }
        guard parts.count == 2 else {
            (self.address, prefix) = (address, address.count * 8)
            return
        }
        guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let written = Int(parts[1]), (0...(address.count * 8)).contains(written - mapped)
        else { return nil }
        (self.address, prefix) = (address, written - mapped)
    }

    package func contains(_ other: Network) -> Bool {
        guard address.count == other.address.count, other.prefix >= prefix else { return false }
        for bit in 0..<prefix {
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            if (address[bit / 8] ^ other.address[bit / 8]) & mask != 0 { return false }
        }
        return true
    }

    /// Bits that are fixed.
    package var prefixLength: Int { prefix }
    package var isIPv4: Bool { address.count == 4 }

    private static func address(_ text: String) -> [UInt8]? {
        text.contains(":") ? six(text) : four(text)
    }

    private static func four(_ text: String) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let value = UInt8(part)
            else { return nil }
            bytes.append(value)
        }
        return bytes
    }

    private static func six(_ text: String) -> [UInt8]? {
        // A zone names an interface of the machine that wrote it and means nothing here.
        let text = text.prefix { $0 != "%" }
        var head: [UInt8] = [], tail: [UInt8] = [], isTail = false
        if let gap = firstGap(text) {
            guard let left = groups(text[..<gap.lowerBound]), let right = groups(text[gap.upperBound...]) else {
                return nil
            }
            (head, tail, isTail) = (left, right, true)
        } else {
            guard let all = groups(text) else { return nil }
            head = all
        }
        let count = head.count + tail.count
        guard isTail ? count <= 14 : count == 16 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - count) + tail
    }

    private static func firstGap(_ text: Substring) -> Range<Substring.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" { return index..<text.index(after: next) }
            index = next
        }
        return nil
    }

    /// Groups of four hexadecimal digits between colons; the last may be an IPv4 address.
    private static func groups(_ text: Substring) -> [UInt8]? {
        if text.isEmpty { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(".") {
                guard let four = four(String(part)) else { return nil }
                bytes += four
                continue
            }
            guard (1...4).contains(part.utf8.count), let value = UInt16(part, radix: 16), part.first != "+" else {
                return nil
            }
            bytes += [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)]
        }
        return bytes
    }
}
