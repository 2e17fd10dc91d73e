/// Percent-encoding as S3 and its signatures define it: every byte but `A–Z a–z 0–9 - . _ ~` becomes `%XX` with
/// upper-case digits.
package enum PercentEncoding {
    /// True for the bytes that stand for themselves in a signature's canonical form.
    @inline(__always)
    static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
        default: false
        }
    }

    @inline(__always)
    static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }

    @inline(__always)
    static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? 0x30 + nibble : 0x41 + nibble - 10
    }

    /// Appends the encoded form of `bytes`. A slash stays a slash when `keepingSlash` is set, as it is in paths.
    static func append(_ bytes: some Sequence<UInt8>, to output: inout [UInt8], keepingSlash: Bool = false) {
        for byte in bytes {
            if isUnreserved(byte) || (keepingSlash && byte == UInt8(ascii: "/")) {
                output.append(byte)
            } else {
                output.append(UInt8(ascii: "%"))
                output.append(hexDigit(byte >> 4))
                output.append(hexDigit(byte & 15))
            }
        }
    }

    package static func encode(_ bytes: some Sequence<UInt8>, keepingSlash: Bool = false) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.underestimatedCount + 16)
        append(bytes, to: &output, keepingSlash: keepingSlash)
        return output
    }

    /// The form that listings use with `encoding-type=url`. A slash stays; a space is `%20`, which form decoders and
    /// plain decoders both read.
    package static func encodeForListing(_ bytes: [UInt8]) -> [UInt8] { encode(bytes, keepingSlash: true) }

    /// Appends the decoded form of `bytes`; false when a percent sign is not followed by two hex digits.
    static func appendDecoded(_ bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8], plusIsSpace: Bool) -> Bool
    {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard bytes.count - index > 2, let high = hexValue(bytes[index + 1]),
                    let low = hexValue(bytes[index + 2])
                else { return false }
                output.append(high << 4 | low)
                index += 3
            } else {
                output.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return true
    }

    /// The decoded bytes; nil when the encoding is broken.
    package static func decode(_ bytes: [UInt8], plusIsSpace: Bool = false) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        let valid = bytes.withUnsafeBufferPointer { appendDecoded($0, to: &output, plusIsSpace: plusIsSpace) }
        return valid ? output : nil
    }
}

/// True when the bytes are well-formed UTF-8. Most are ASCII, which is checked without making a string.
func isValidUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
}
