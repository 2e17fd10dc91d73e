import Base

/// drive.json: who a drive is. Docs/formats/drive.md.
///
/// A flat JSON object written once. The reader takes exactly what JSON allows for such an object (strings without escapes,
/// non-negative integers, arrays of strings), at most `bytesMax` of it, and nothing behind it.
package struct DriveFileContents: Hashable, Sendable {
    package static let format = "martlet-drive"
    package static let version = 1
    static let bytesMax = 16 << 10

    package var identity: DriveIdentity
    package var version: Int = Self.version
    /// Features that an older program may ignore, and features that it must refuse.
    package var compatible: [String] = []
    package var incompatible: [String] = []

    package init(identity: DriveIdentity) { self.identity = identity }

    package func encode() -> [UInt8] {
        let list = { (names: [String]) in "[" + names.map { "\"\($0)\"" }.joined(separator: ", ") + "]" }
        let text = """
            {
              "format": "\(Self.format)",
              "version": \(version),
              "deployment": "\(identity.deployment)",
              "drive": "\(identity.drive)",
              "pool": \(identity.pool),
              "set": \(identity.set),
              "slot": \(identity.slot),
              "compatible": \(list(compatible)),
              "incompatible": \(list(incompatible))
            }

            """
        return Array(text.utf8)
    }

    package init(parsing bytes: [UInt8]) throws(MalformedField) {
        guard bytes.count <= Self.bytesMax else { throw MalformedField("drive.json is too long") }
        var parser = FlatJSON(bytes)
        let fields = try parser.parse()
        func field(_ name: String) throws(MalformedField) -> FlatJSON.Value {
            guard let value = fields.first(where: { $0.name == name })?.value else { throw MalformedField(name) }
            return value
        }
        func integer(_ name: String) throws(MalformedField) -> Int {
            guard case .integer(let value) = try field(name) else { throw MalformedField(name) }
            return value
        }
        func id(_ name: String) throws(MalformedField) -> UniqueID {
            guard case .string(let text) = try field(name), let id = UniqueID(text) else { throw MalformedField(name) }
            return id
        }
        func list(_ name: String) throws(MalformedField) -> [String] {
            guard case .strings(let values) = try field(name) else { throw MalformedField(name) }
            return values
        }
        guard case .string(Self.format) = try field("format") else { throw MalformedField("format") }
        version = try integer("version")
        identity = DriveIdentity(
            deployment: try id("deployment"), drive: try id("drive"), pool: try integer("pool"),
            set: try integer("set"), slot: try integer("slot"))
        compatible = try list("compatible")
        incompatible = try list("incompatible")
    }
}

/// A parser for one flat JSON object.
struct FlatJSON {
    enum Value: Hashable {
        case string(String)
        case integer(Int)
        case strings([String])
    }

    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func parse() throws(MalformedField) -> [(name: String, value: Value)] {
        var fields: [(name: String, value: Value)] = []
        try expect(UInt8(ascii: "{"))
        if !accept(UInt8(ascii: "}")) {
            repeat {
                let name = try string()
                guard !fields.contains(where: { $0.name == name }) else { throw MalformedField("duplicate field") }
                try expect(UInt8(ascii: ":"))
                fields.append((name, try value()))
            } while accept(UInt8(ascii: ","))
            try expect(UInt8(ascii: "}"))
        }
        skipSpace()
        guard offset == bytes.count else { throw MalformedField("text after the object") }
        return fields
    }

    private mutating func value() throws(MalformedField) -> Value {
        skipSpace()
        guard offset < bytes.count else { throw MalformedField("value") }
        switch bytes[offset] {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "["):
            offset += 1
            var values: [String] = []
            if accept(UInt8(ascii: "]")) { return .strings(values) }
            repeat { values.append(try string()) } while accept(UInt8(ascii: ","))
            try expect(UInt8(ascii: "]"))
            return .strings(values)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return .integer(try integer())
        default: throw MalformedField("value")
        }
    }

    private mutating func integer() throws(MalformedField) -> Int {
        let start = offset
        while offset < bytes.count, (0x30...0x39).contains(bytes[offset]) { offset += 1 }
        let digits = bytes[start..<offset]
        guard digits.count <= 18, digits.count == 1 || digits.first != UInt8(ascii: "0"),
            let value = Int(String(decoding: digits, as: UTF8.self))
        else { throw MalformedField("integer") }
        return value
    }

    private mutating func string() throws(MalformedField) -> String {
        try expect(UInt8(ascii: "\""))
        let start = offset
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
            guard (0x20...0x7E).contains(bytes[offset]), bytes[offset] != UInt8(ascii: "\\") else {
                throw MalformedField("character in a string")
            }
            offset += 1
        }
        guard offset < bytes.count else { throw MalformedField("end of a string") }
        defer { offset += 1 }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func skipSpace() {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
    }

    private mutating func accept(_ byte: UInt8) -> Bool {
        skipSpace()
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(MalformedField) {
        guard accept(byte) else { throw MalformedField("'\(Character(Unicode.Scalar(byte)))'") }
    }
}
