import Drives

/// Keys of the index in words, for people who have to find the object that a damage belongs to.
enum KeyText {
    static let shownMax = 200

    static func describe(_ key: IndexKey) -> String {
        guard let first = key.bytes.first, let space = KeySpace(rawValue: first) else {
            return "row \(hex(key.bytes[...]))"
        }
        let rest = key.bytes.dropFirst()
        switch space {
        case .version: return "object \(object(rest.dropFirst(8))) of bucket \(hex(rest.prefix(8)))"
        case .nullVersion:
            return "null version of \(object(rest.dropFirst(8))) in bucket \(hex(rest.prefix(8)))"
        case .upload: return "upload of \(object(rest.dropFirst(8))) in bucket \(hex(rest.prefix(8)))"
        case .data: return "data \(hex(rest.prefix(16))), chunk \(rest.suffix(4).reduce(0) { $0 << 8 | Int($1) })"
        case .system: return "system record \(hex(rest))"
        case .changes: return "change list"
        }
    }

    /// An object key: 00 FF stands for a zero byte, 00 00 ends it.
    private static func object(_ bytes: ArraySlice<UInt8>) -> String {
        var text: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex, text.count < shownMax {
            let byte = bytes[index]
            if byte == 0 {
                guard index + 1 < bytes.endIndex, bytes[index + 1] == 0xFF else { break }
                text.append(0)
                index += 2
                continue
            }
            text.append(byte)
            index += 1
        }
        // Control characters of a key must not reach a terminal.
        let shown = String(decoding: text, as: UTF8.self).unicodeScalars.map { scalar in
            scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? "?" : String(scalar)
        }
        return "\"" + shown.joined() + "\""
    }

    private static func hex(_ bytes: ArraySlice<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.prefix(24).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
