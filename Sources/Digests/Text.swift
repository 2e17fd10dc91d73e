import CDigests

/// Base64 of RFC 4648, section 4, with padding. Decoding is strict: no white space, no missing or surplus padding, and the
/// unused bits of the last digit are zero, so every byte string has one spelling.
package enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, digit) in digits.enumerated() { table[Int(digit)] = UInt8(value) }
        return table
    }()

    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: encodeBytes(bytes), as: UTF8.self)
    }

    package static func encodeBytes(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0, pending = 0
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            pending += 1
            guard pending == 3 else { continue }
            for shift in [18, 12, 6, 0] { text.append(digits[Int(group >> UInt32(shift) & 63)]) }
            group = 0
            pending = 0
        }
        if pending == 1 {
            text += [digits[Int(group >> 2 & 63)], digits[Int(group << 4 & 63)], UInt8(ascii: "="), UInt8(ascii: "=")]
        } else if pending == 2 {
            text += [digits[Int(group >> 10 & 63)], digits[Int(group >> 4 & 63)]]
            text += [digits[Int(group << 2 & 63)], UInt8(ascii: "=")]
        }
        return text
    }

    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        decode(Array(text.utf8))
    }

    package static func decode(_ text: [UInt8]) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var padding = 0
        while padding < 2, padding < text.count, text[text.count - 1 - padding] == UInt8(ascii: "=") { padding += 1 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var group: UInt32 = 0, bits = 0
        for digit in text.dropLast(padding) {
            let value = values[Int(digit)]
            guard value != 0xFF else { return nil }
            group = group << 6 | UInt32(value)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
        }
        // Left over are 0, 4 or 2 bits: those of the last digit that belong to no byte.
        guard group & (1 << UInt32(bits) - 1) == 0 else { return nil }
        return bytes
    }
}

/// Hexadecimal digits. Encoding writes lower case; decoding takes both cases, an even number of digits and nothing else.
package enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: encodeBytes(Array(bytes)), as: UTF8.self)
    }

    package static func encodeBytes(_ bytes: some Collection<UInt8>) -> [UInt8] { encodeBytes(Array(bytes)) }

    /// Not generic: signatures and ETags come this way with every request.
    package static func encodeBytes(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytes.count * 2) { text, count in
            digits.withUnsafeBufferPointer { digits in
                for index in bytes.indices {
                    text[2 * index] = digits[Int(bytes[index] >> 4)]
                    text[2 * index + 1] = digits[Int(bytes[index] & 15)]
                }
            }
            count = bytes.count * 2
        }
    }

    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        decode(Array(text.utf8))
    }

    package static func decode(_ text: [UInt8]) -> [UInt8]? {
        guard text.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        for index in stride(from: 0, to: text.count, by: 2) {
            guard let high = value(text[index]), let low = value(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// Compares secrets in a time that depends on their length only. Strings of different length differ.
package func constantTimeEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    a.count == b.count && cdigests_equal(a.baseAddress, b.baseAddress, a.count) == 1
}

package func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.withUnsafeBytes { a in b.withUnsafeBytes { b in constantTimeEqual(a, b) } }
}
