/// Writes the Prometheus text exposition format, version 0.0.4.
package struct PrometheusText {
    package enum Kind: String, Sendable { case counter, gauge, histogram }
    package private(set) var text = ""
    private var current = ""

    package init() {}

    /// Begins a family: its HELP and TYPE lines. Samples of one family follow each other.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        current = name
    }

    package mutating func sample(_ labels: [(String, String)] = [], suffix: String = "", _ value: some BinaryInteger) {
        text += "\(current)\(suffix)\(Self.render(labels)) \(value)\n"
    }

    package mutating func sample(_ labels: [(String, String)] = [], suffix: String = "", _ value: Double) {
        text += "\(current)\(suffix)\(Self.render(labels)) \(value)\n"
    }

    private static func render(_ labels: [(String, String)]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0)=\"\(escape($1))\"" }.joined(separator: ",") + "}"
    }

    private static func escape(_ value: String) -> String {
        var result = ""
        for character in value {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
        return result
    }
}
