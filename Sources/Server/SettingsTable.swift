import AccessPolicy
import Glibc

/// Settings of one thing, from variables (all text) or a JSON document (of their own types).
struct SettingsTable {
    let values: [String: JSONValue]
    /// For messages.
    let place: String

    init(_ values: [String: JSONValue], _ place: String, _ known: [String]) throws(SettingsError) {
        if let unknown = values.keys.sorted().first(where: { !known.contains($0) }) {
            throw SettingsError("\(place) has no setting \(unknown); known are \(known.joined(separator: ", "))")
        }
        (self.values, self.place) = (values, place)
    }

    /// nil when it is not there or empty.
    func text(_ name: String) throws(SettingsError) -> String? {
        switch values[name] {
        case nil: return nil
        case .string(let text)?, .number(let text)?: return text.isEmpty ? nil : text
        default: throw SettingsError("\(name) of \(place) must be text")
        }
    }

    func required(_ name: String) throws(SettingsError) -> String {
        guard let text = try text(name) else { throw SettingsError("\(place) needs \(name)") }
        return text
    }

    func list(_ name: String, separator: Character) throws(SettingsError) -> [String] {
        guard case .array(let values)? = values[name] else {
            return try text(name)?.split(separator: separator).map { String($0.trimmed) } ?? []
        }
        let texts = values.compactMap(\.text)
        guard texts.count == values.count else { throw SettingsError("\(name) of \(place) must be a list of text") }
        return texts
    }

    func flag(_ name: String) throws(SettingsError) -> Bool? {
        if case .bool(let value)? = values[name] { return value }
        switch try text(name) {
        case nil: return nil
        case "on"?, "true"?, "1"?, "yes"?: return true
        case "off"?, "false"?, "0"?, "no"?: return false
        default: throw SettingsError("\(name) of \(place) must be on or off")
        }
    }

    func number(_ name: String, in range: ClosedRange<Int>) throws(SettingsError) -> Int? {
        guard let text = try text(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw SettingsError("\(name) of \(place) must lie between \(range.lowerBound) and \(range.upperBound)")
        }
        return value
    }
}

enum SettingsFile {
    /// The text of a file that holds secrets, which others must not be able to read.
    static func privateText(_ path: String) throws(SettingsError) -> String {
        var status = stat()
        guard stat(path, &status) == 0, let text = SmallFile.read(path) else {
            throw SettingsError("\(path) can't be read")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw SettingsError("\(path) holds secrets and others may read it: chmod 600 \(path)")
        }
        return text
    }
}
