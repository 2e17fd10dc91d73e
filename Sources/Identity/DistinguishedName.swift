/// Names of a directory's entries (RFC 4514), brought to one spelling, so that equal names are equal text.
package enum DistinguishedName {
    package static let bytesMax = 1024

    /// Types and values in lower case, no spaces around separators, one way of escaping; nil when the text is no name.
    package static func canonical(_ text: String) -> String? {
        guard (1...bytesMax).contains(text.utf8.count) else { return nil }
        var pieces: [String] = []
        for relative in split(Array(text.utf8), at: UInt8(ascii: ",")) {
            var pairs: [String] = []
            for pair in split(relative, at: UInt8(ascii: "+")) {
                guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { return nil }
                let type = String(decoding: trimmed(pair[..<equals]), as: UTF8.self).lowercased()
                guard !type.isEmpty, type.utf8.allSatisfy(isTypeByte),
                    let value = unescaped(trimmed(pair[(equals + 1)...]))
                else { return nil }
                pairs.append(type + "=" + escaped(value.lowercased()))
            }
            pieces.append(pairs.sorted().joined(separator: "+"))
        }
        return pieces.joined(separator: ",")
    }

    private static func isTypeByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".")
    }

    /// Pieces between separators that no backslash stands before.
    private static func split(_ bytes: [UInt8], at separator: UInt8) -> [[UInt8]] {
        var pieces: [[UInt8]] = [], piece: [UInt8] = [], isEscaped = false
        for byte in bytes {
            if !isEscaped, byte == separator {
                pieces.append(piece)
                piece = []
                continue
            }
            isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            piece.append(byte)
        }
        return pieces + [piece]
    }

    /// Without spaces at the ends; the last one stays when it is escaped.
    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while bytes.first == 0x20 { bytes.removeFirst() }
        while bytes.last == 0x20, bytes.dropLast().last != UInt8(ascii: "\\") { bytes.removeLast() }
        return bytes
    }

    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String? {
        var out: [UInt8] = [], index = bytes.startIndex
        while index < bytes.endIndex {
            guard bytes[index] == UInt8(ascii: "\\") else {
                out.append(bytes[index])
                index += 1
                continue
            }
            guard index + 1 < bytes.endIndex else { return nil }
            if index + 2 < bytes.endIndex, let high = hex(bytes[index + 1]), let low = hex(bytes[index + 2]) {
                out.append(high << 4 | low)
                index += 3
            } else {
                out.append(bytes[index + 1])
                index += 2
            }
        }
        return out.isEmpty ? nil : String(validating: out, as: UTF8.self)
    }

    private static func hex(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }

    private static func escaped(_ value: String) -> String {
        var out: [UInt8] = []
        for byte in value.utf8 {
            if ",+\"\\<>;=".utf8.contains(byte) { out.append(UInt8(ascii: "\\")) }
            out.append(byte)
        }
        return String(decoding: out, as: UTF8.self)
    }
}
