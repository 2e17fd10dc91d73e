/// A text with wildcards and policy variables, taken apart once: `*` is any run of characters, `?` any one character,
/// `${name}` or `${name, 'default'}` what the request says. What a variable brings in is literal: a `*` in a user's name is a star.
package struct Pattern: Hashable, Sendable {
    enum Piece: Hashable, Sendable {
        case literal([UInt8])
        case anyRun
        case anyOne
        case variable(name: String, fallback: String?)
    }

    package let source: String
    let pieces: [Piece]

    /// `variables` is false for policies of the 2008 version, in which `${` is text.
    package init(_ source: String, variables: Bool = true, wildcards: Bool = true) {
        self.source = source
        pieces = Self.parse(Array(source.utf8), variables: variables, wildcards: wildcards)
    }

    private init(pieces: [Piece], source: String) { (self.pieces, self.source) = (pieces, source) }

    /// The pattern cut at a byte of its text, not of what its variables bring in; the last part keeps what is left.
    func parts(_ countMax: Int, cutBy mark: UInt8) -> [Pattern] {
        var parts: [[Piece]] = [[]]
        for piece in pieces {
            guard case .literal(var rest) = piece else {
                parts[parts.count - 1].append(piece)
                continue
            }
            while parts.count < countMax, let cut = rest.firstIndex(of: mark) {
                if cut > 0 { parts[parts.count - 1].append(.literal(Array(rest[..<cut]))) }
                parts.append([])
                rest = Array(rest[(cut + 1)...])
            }
            if !rest.isEmpty { parts[parts.count - 1].append(.literal(rest)) }
        }
        return parts.map { Pattern(pieces: $0, source: source) }
    }

    package var hasVariables: Bool {
        pieces.contains { if case .variable = $0 { true } else { false } }
    }

    package var hasWildcards: Bool { pieces.contains(.anyRun) || pieces.contains(.anyOne) }

    private static func parse(_ text: [UInt8], variables: Bool, wildcards: Bool) -> [Piece] {
        var pieces: [Piece] = [], literal: [UInt8] = [], index = 0
        func flushed(_ pieces: inout [Piece], _ literal: inout [UInt8]) {
            if !literal.isEmpty { pieces.append(.literal(literal)) }
            literal = []
        }
        while index < text.count {
            let byte = text[index]
            if variables, byte == UInt8(ascii: "$"), index + 1 < text.count, text[index + 1] == UInt8(ascii: "{"),
                let end = text[index...].firstIndex(of: UInt8(ascii: "}"))
            {
                let name = String(decoding: text[(index + 2)..<end], as: UTF8.self)
                index = end + 1
                // The three characters that mean something else when they stand alone.
                if name == "*" || name == "?" || name == "$" {
                    literal.append(contentsOf: name.utf8)
                    continue
                }
                flushed(&pieces, &literal)
                pieces.append(variable(name))
            } else if wildcards, byte == UInt8(ascii: "*") {
                flushed(&pieces, &literal)
                // A run of stars is one star.
                if pieces.last != .anyRun { pieces.append(.anyRun) }
                index += 1
            } else if wildcards, byte == UInt8(ascii: "?") {
                flushed(&pieces, &literal)
                pieces.append(.anyOne)
                index += 1
            } else {
                literal.append(byte)
                index += 1
            }
        }
        flushed(&pieces, &literal)
        return pieces
    }

    /// `name` or `name, 'default'`.
    private static func variable(_ text: String) -> Piece {
        guard let comma = text.firstIndex(of: ",") else {
            return .variable(name: text.trimmingBlanks.lowercased(), fallback: nil)
        }
        let name = text[..<comma].trimmingBlanks.lowercased()
        var fallback = String(text[text.index(after: comma)...]).trimmingBlanks
        if fallback.count >= 2, fallback.first == "'", fallback.last == "'" {
            fallback = String(fallback.dropFirst().dropLast())
        }
        return .variable(name: name, fallback: fallback)
    }

    /// True when the whole text fits. A variable that the request does not know fits nothing.
    package func matches(_ text: String, _ facts: any FactSource = NoFacts(), foldingCase: Bool = false) -> Bool {
        // Most patterns are plain text.
        if pieces.count == 1, case .literal(let literal) = pieces[0], !foldingCase {
            return text.utf8.elementsEqual(literal)
        }
        guard let symbols = symbols(facts, foldingCase: foldingCase) else { return false }
        return Self.match(symbols, Array((foldingCase ? text.lowercased() : text).utf8))
    }

    /// The pattern with its variables filled in; nil when one has no value. Numbers above a byte are wildcards.
    func symbols(_ facts: any FactSource, foldingCase: Bool) -> [UInt16]? {
        var symbols: [UInt16] = []
        for piece in pieces {
            switch piece {
            case .literal(let bytes):
                let text = foldingCase ? Array(String(decoding: bytes, as: UTF8.self).lowercased().utf8) : bytes
                symbols.append(contentsOf: text.map(UInt16.init))
            case .anyRun: symbols.append(Self.anyRun)
            case .anyOne: symbols.append(Self.anyOne)
            case .variable(let name, let fallback):
                // A key with several values has none that could stand here.
                let values = facts.values(of: name)
                guard let value = values?.count == 1 ? values?.first : fallback else { return nil }
                symbols.append(contentsOf: (foldingCase ? value.lowercased() : value).utf8.map(UInt16.init))
            }
        }
        return symbols
    }

    private static let anyRun: UInt16 = 256
    private static let anyOne: UInt16 = 257

    /// Greedy with one way back: the last star takes one more byte. At most pattern × text steps.
    private static func match(_ pattern: [UInt16], _ text: [UInt8]) -> Bool {
        var at = 0, place = 0, starAt = -1, starPlace = 0
        while place < text.count {
            if at < pattern.count, pattern[at] == anyRun {
                (starAt, starPlace) = (at, place)
                at += 1
            } else if at < pattern.count, pattern[at] == anyOne {
                at += 1
                place += 1
                // One character, however many bytes it has.
                while place < text.count, text[place] & 0xC0 == 0x80 { place += 1 }
            } else if at < pattern.count, pattern[at] == UInt16(text[place]) {
                at += 1
                place += 1
            } else if starAt >= 0 {
                starPlace += 1
                (at, place) = (starAt + 1, starPlace)
            } else {
                return false
            }
        }
        while at < pattern.count, pattern[at] == anyRun { at += 1 }
        return at == pattern.count
    }
}

extension StringProtocol {
    /// Without spaces at either end.
    var trimmingBlanks: String {
        var text = Substring(self)
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
