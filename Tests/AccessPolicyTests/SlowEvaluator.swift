/// What AWS's documentation says of statements, written down a second time and without regard to speed: texts are lists of characters,
/// wildcards try every split, numbers are digits, addresses are texts of bits, dates are counted day by day. It shares nothing with
/// the evaluator that is tested, not even the parser: it takes statements apart already.
enum SlowEvaluator {
    typealias Facts = [String: [String]]

    struct Statement {
        var isDeny: Bool
        var actions: [String]
        var isNotAction: Bool
        var resources: [String]
        var isNotResource: Bool
        var conditions: [(operator: String, key: String, values: [String])]
    }

    static func facts(_ facts: [String: [String]]) -> Facts {
        var lowered: Facts = [:]
        for (key, values) in facts { lowered[key.lowercased()] = values }
        return lowered
    }

    /// "deny" before "allow" before nothing.
    static func answer(_ statements: [Statement], action: String, resource: String, facts: Facts) -> String {
        let applying = statements.filter { applies($0, action, resource, facts) }
        if applying.contains(where: \.isDeny) { return "deny" }
        return applying.isEmpty ? "silent" : "allow"
    }

    static func applies(_ statement: Statement, _ action: String, _ resource: String, _ facts: Facts) -> Bool {
        selects(
            statement.actions, isNegated: statement.isNotAction, action, foldsCase: true, hasVariables: false,
            facts: facts)
            && selects(
                statement.resources, isNegated: statement.isNotResource, resource, foldsCase: false,
                hasVariables: true, facts: facts)
            && statement.conditions.allSatisfy { condition in
                holds(
                    operator: condition.operator, values: condition.values,
                    found: facts[condition.key.lowercased()], facts: facts)
            }
    }

    static func selects(
        _ patterns: [String], isNegated: Bool, _ text: String, foldsCase: Bool, hasVariables: Bool, facts: Facts
    ) -> Bool {
        var isListed = false
        for pattern in patterns {
            let pattern = foldsCase ? pattern.lowercased() : pattern
            guard let signs = signs(pattern, wildcards: true, variables: hasVariables, facts) else { continue }
            if glob(signs[...], Array((foldsCase ? text.lowercased() : text).unicodeScalars)[...]) { isListed = true }
        }
        return isListed != isNegated
    }

    // MARK: Conditions

    static func holds(operator name: String, values: [String], found: [String]?, facts: Facts) -> Bool {
        var name = name.lowercased(), set = ""
        for prefix in ["forallvalues:", "foranyvalue:"] where name.hasPrefix(prefix) {
            set = prefix
            name = String(name.dropFirst(prefix.count))
        }
        let isThere = found != nil && found?.isEmpty == false
        if name == "null" { return values.contains { ($0.lowercased() == "true") == !isThere } }
        let ifExists = name.hasSuffix("ifexists")
        if ifExists { name = String(name.dropLast("ifexists".count)) }
        if ifExists, !isThere { return true }
        let isNegated = name.contains("not")
        name = name.replacingNot
        func fits(_ text: String) -> Bool { values.contains { compare(name, $0, text, facts) } }
        let found = found ?? []
        if set == "forallvalues:" {
            for value in found where fits(value) == isNegated { return false }
            return true
        }
        if set == "foranyvalue:" {
            for value in found where fits(value) != isNegated { return true }
            return false
        }
        // Without a set operator: none of the request's values may fit a negated one.
        let fitsAny = found.contains { fits($0) }
        return isNegated ? !fitsAny : fitsAny
    }

    private static func compare(_ name: String, _ value: String, _ found: String, _ facts: Facts) -> Bool {
        switch name {
        case "stringequals", "stringlike":
            guard let signs = signs(value, wildcards: name == "stringlike", variables: true, facts) else {
                return false
            }
            return glob(signs[...], Array(found.unicodeScalars)[...])
        case "stringequalsignorecase":
            guard let signs = signs(value, wildcards: false, variables: true, facts) else { return false }
            return text(signs).lowercased() == found.lowercased()
        case "arnequals", "arnlike":
            guard let signs = signs(value, wildcards: true, variables: true, facts) else { return false }
            let wanted = cut(signs, where: { $0 == .one(":") }),
                parts = cut(Array(found.unicodeScalars), where: { $0 == ":" })
            guard wanted.count == 6, parts.count == 6 else { return signs == [.any] }
            return zip(wanted, parts).allSatisfy { glob($0[...], $1[...]) }
        default:
            guard let signs = signs(value, wildcards: false, variables: true, facts) else { return false }
            return typed(name, text(signs), found)
        }
    }

    private static func typed(_ name: String, _ value: String, _ found: String) -> Bool {
        switch name {
        case "bool": return ["true", "false"].contains(value.lowercased()) && value.lowercased() == found.lowercased()
        case "binaryequals":
            // The padded form of bytes is one; what is none equals nothing.
            return value == found && found.utf8.count % 4 == 0
        case "ipaddress":
            // The request comes from an address; only a policy names blocks.
            if found.contains("/") { return false }
            let parts = value.split(separator: "/")
            guard let block = bits(String(parts[0])), let address = bits(found), block.count == address.count else {
                return false
            }
            let length = parts.count == 2 ? Int(parts[1]) ?? 0 : block.count
            return block.prefix(length) == address.prefix(length)
        default:
            let isDate = name.hasPrefix("date")
            guard let left = isDate ? seconds(found) : decimal(found),
                let right = isDate ? seconds(value) : decimal(value)
            else { return false }
            switch name.replacing("date", with: "").replacing("numeric", with: "") {
            case "equals": return left == right
            case "lessthan": return left < right
            case "lessthanequals": return left <= right
            case "greaterthan": return left > right
            case "greaterthanequals": return left >= right
            default: return false
            }
        }
    }

    // MARK: Texts

    enum Sign: Equatable {
        case one(Unicode.Scalar)
        case anyOne
        case any
    }

    /// Wildcards and variables of a text; nil when a variable has no value.
    static func signs(_ text: String, wildcards: Bool, variables: Bool, _ facts: Facts) -> [Sign]? {
        var rest = Array(text.unicodeScalars), signs: [Sign] = []
        while let first = rest.first {
            if variables, rest.starts(with: "${".unicodeScalars), let end = rest.firstIndex(of: "}") {
                let name = String(String.UnicodeScalarView(rest[2..<end]))
                rest = Array(rest[(end + 1)...])
                if ["*", "?", "$"].contains(name) {
                    signs += name.unicodeScalars.map { .one($0) }
                    continue
                }
                let parts = name.split(separator: ",", maxSplits: 1).map { $0.trimmed }
                let values = facts[parts[0].lowercased()] ?? []
                if values.count == 1 {
                    signs += values[0].unicodeScalars.map { .one($0) }
                } else if parts.count == 2 {
                    signs += parts[1].dropFirst().dropLast().unicodeScalars.map { .one($0) }
                } else {
                    return nil
                }
                continue
            }
            rest.removeFirst()
            if wildcards, first == "*" {
                signs.append(.any)
            } else if wildcards, first == "?" {
                signs.append(.anyOne)
            } else {
                signs.append(.one(first))
            }
        }
        return signs
    }

    private static func text(_ signs: [Sign]) -> String {
        var out = ""
        for case .one(let scalar) in signs { out.unicodeScalars.append(scalar) }
        return out
    }

    static func glob(_ pattern: ArraySlice<Sign>, _ text: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        switch first {
        case .any:
            for start in text.startIndex...text.endIndex where glob(pattern.dropFirst(), text[start...]) { return true }
            return false
        case .anyOne: return !text.isEmpty && glob(pattern.dropFirst(), text.dropFirst())
        case .one(let scalar): return text.first == scalar && glob(pattern.dropFirst(), text.dropFirst())
        }
    }

    /// Six parts: the sixth keeps its colons.
    private static func cut<Element>(_ list: [Element], where isColon: (Element) -> Bool) -> [[Element]] {
        var parts: [[Element]] = [[]]
        for element in list {
            if isColon(element), parts.count < 6 { parts.append([]) } else { parts[parts.count - 1].append(element) }
        }
        return parts
    }

    // MARK: Numbers, dates, addresses

    /// In billionths; the tables stay within.
    private static func decimal(_ text: String) -> Int128? {
        guard !text.isEmpty, text.allSatisfy({ "0123456789+-.e".contains($0) }) else { return nil }
        let parts = text.split(separator: "e", omittingEmptySubsequences: false)
        guard parts.count <= 2, var exponent = parts.count == 2 ? Int(parts[1]) : 0 else { return nil }
        var digits = String(parts[0]), isNegative = false
        if digits.hasPrefix("-") || digits.hasPrefix("+") { isNegative = digits.removeFirst() == "-" }
        let halves = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count <= 2, !digits.isEmpty, digits != "." else { return nil }
        if halves.count == 2 {
            digits = String(halves[0] + halves[1])
            exponent -= halves[1].count
        }
        guard let whole = Int128(digits), digits.first != "+", digits.first != "-" else { return nil }
        var value = whole * 1_000_000_000
        for _ in 0..<max(0, exponent) { value *= 10 }
        for _ in 0..<max(0, -exponent) { value /= 10 }
        return isNegative ? -value : value
    }

    /// Milliseconds since 1970, counted day by day.
    private static func seconds(_ text: String) -> Int128? {
        if let number = Int128(text), text.allSatisfy(\.isNumber), text.count != 8 { return number * 1000 }
        let parts = text.split(separator: "T", maxSplits: 1)
        guard let date = parts.first else { return nil }
        let digits = date.filter { $0 != "-" }
        guard digits.count == 8, let all = Int(digits), all > 0 else { return nil }
        let (year, month, day) = (all / 10_000, all / 100 % 100, all % 100)
        guard (1...12).contains(month), day >= 1, day <= days(month, year) else { return nil }
        var count = 0
        for other in 1970..<max(1970, year) { count += isLeap(other) ? 366 : 365 }
        for other in 1..<month { count += days(other, year) }
        var total = Int128(count + day - 1) * 86_400_000
        guard parts.count == 2 else { return total }
        var clock = String(parts[1]), shift = 0
        if clock.hasSuffix("Z") {
            clock.removeLast()
        } else if let sign = clock.lastIndex(where: { $0 == "+" || $0 == "-" }) {
            let zone = clock[clock.index(after: sign)...].split(separator: ":").compactMap { Int($0) }
            shift = (zone[0] * 60 + (zone.count > 1 ? zone[1] : 0)) * (clock[sign] == "+" ? 1 : -1)
            clock = String(clock[..<sign])
        }
        if !clock.contains(":") {
            let pairs = Array(clock)
            clock = stride(from: 0, to: pairs.count, by: 2).map { String(pairs[$0..<min($0 + 2, pairs.count)]) }
                .joined(separator: ":")
        }
        let fields = clock.split(separator: ":").compactMap { Double($0) }
        for (field, unit) in zip(fields, [3_600_000.0, 60_000, 1000]) { total += Int128(field * unit) }
        return total - Int128(shift) * 60_000
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
    private static func days(_ month: Int, _ year: Int) -> Int {
        month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// An address as a text of zeros and ones.
    private static func bits(_ text: String) -> String? {
        if !text.contains(":") {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) ?? 256 }
            guard parts.count == 4, parts.allSatisfy({ (0...255).contains($0) }) else { return nil }
            return parts.map { padded($0, 8) }.joined()
        }
        guard text.lowercased().allSatisfy({ "0123456789abcdef:.".contains($0) }) else { return nil }
        let halves = text.components(cutBy: "::")
        var groups = halves.map { half in
            half.split(separator: ":").map { part in
                part.contains(".") ? bits(String(part)) ?? "" : padded(Int(part, radix: 16) ?? 0, 16)
            }.joined()
        }
        if groups.count == 2 {
            groups.insert(String(repeating: "0", count: max(0, 128 - groups[0].count - groups[1].count)), at: 1)
        }
        let all = groups.joined(), mapped = String(repeating: "0", count: 80) + String(repeating: "1", count: 16)
        guard all.count == 128 else { return nil }
        return all.hasPrefix(mapped) ? String(all.dropFirst(96)) : all
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let text = String(value, radix: 2)
        return String(repeating: "0", count: width - text.count) + text
    }
}

extension String {
    /// `StringNotEquals` compares as `StringEquals` does.
    fileprivate var replacingNot: String {
        guard let range = firstRange(of: "not") else { return self }
        return String(self[..<range.lowerBound] + self[range.upperBound...])
    }

    fileprivate func components(cutBy mark: String) -> [String] {
        guard let range = firstRange(of: mark) else { return [self] }
        return [String(self[..<range.lowerBound]), String(self[range.upperBound...])]
    }

    private func firstRange(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }

    fileprivate func replacing(_ text: String, with other: String) -> String {
        guard let range = firstRange(of: text) else { return self }
        return String(self[..<range.lowerBound] + other + self[range.upperBound...])
    }
}
