import Base
import Digests

/// One value that a condition compares with, read once when the policy is.
enum ConditionValue: Hashable, Sendable {
    case text(Pattern)
    /// With its six parts, each a pattern of its own; without parts when it has not six.
    case arn(Pattern, parts: [Pattern])
    case number(DecimalNumber)
    case date(Double)
    case bool(Bool)
    case binary([UInt8])
    case network(Network)
    /// A value with variables, whose type shows when they are filled in.
    case deferred(Pattern)

    init(
        _ text: String, for comparison: ConditionOperator.Comparison, variables: Bool
    ) throws(PolicyError) {
        func read<Value>(_ value: Value?, _ make: (Value) -> ConditionValue) throws(PolicyError) -> ConditionValue {
            if let value { return make(value) }
            let pattern = Pattern(text, variables: variables, wildcards: false)
            guard pattern.hasVariables else { throw .invalidConditionValue }
            return .deferred(pattern)
        }
        switch comparison {
        case .string(_, let wildcards): self = .text(Pattern(text, variables: variables, wildcards: wildcards))
        case .arn:
            let pattern = Pattern(text, variables: variables), parts = pattern.parts(6, cutBy: UInt8(ascii: ":"))
            self = .arn(pattern, parts: parts.count == 6 ? parts : [])
        case .numeric: self = try read(DecimalNumber(text), ConditionValue.number)
        case .date: self = try read(DateText.parse(text), ConditionValue.date)
        case .bool, .null: self = try read(Self.bool(text), ConditionValue.bool)
        case .binary: self = try read(Base64.decode(text), ConditionValue.binary)
        case .address: self = try read(Network(text), ConditionValue.network)
        }
    }

    static func bool(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }

    /// True when what the request says fits this value. What can't be read as the type of the comparison fits nothing.
    func matches(
        _ found: String, _ comparison: ConditionOperator.Comparison, _ facts: any FactSource
    ) -> Bool {
        switch (comparison, self) {
        case (.string(let foldingCase, _), .text(let pattern)):
            return pattern.matches(found, facts, foldingCase: foldingCase)
        case (.arn, .arn(let pattern, let parts)): return Self.matchesARN(pattern, parts, found, facts)
        case (.numeric(let order), .number(let value)):
            return DecimalNumber(found).map { order.holds($0, value) } ?? false
        case (.date(let order), .date(let value)):
            return DateText.parse(found).map { order.holds($0, value) } ?? false
        case (.bool, .bool(let value)), (.null, .bool(let value)): return Self.bool(found) == value
        case (.binary, .binary(let value)): return Base64.decode(found) == value
        case (.address, .network(let network)):
            // Requests come from an address, not from a block of them.
            guard !found.utf8.contains(UInt8(ascii: "/")), let address = Network(found) else { return false }
            return network.contains(address)
        case (_, .deferred(let pattern)):
            guard let symbols = pattern.symbols(facts, foldingCase: false), symbols.allSatisfy({ $0 < 256 }) else {
                return false
            }
            let text = String(decoding: symbols.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
            guard let value = try? ConditionValue(text, for: comparison, variables: false) else {
                return false  // What the variable brought in is not of the comparison's type.
            }
            return value.matches(found, comparison, facts)
        default: return false
        }
    }

    /// The six parts of an ARN match one by one, so that a star in one does not reach into the next. What is no ARN fits a lone star.
    private static func matchesARN(
        _ pattern: Pattern, _ wanted: [Pattern], _ found: String, _ facts: any FactSource
    ) -> Bool {
        if pattern.source == "*" { return true }
        let parts = found.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard wanted.count == 6, parts.count == 6 else { return false }
        return zip(wanted, parts).allSatisfy { $0.matches(String($1), facts) }
    }
}

/// A decimal number: exact when it is whole and fits 64 bits.
struct DecimalNumber: Hashable, Comparable, Sendable {
    private let whole: Int64?
    private let approximate: Double

    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= 64,
            bytes.allSatisfy({
                (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2B || $0 == 0x2E || $0 | 0x20 == 0x65
            }),
            let value = Double(text), value.isFinite
        else { return nil }
        whole = Int64(text)
        approximate = value
    }

    static func < (lhs: Self, rhs: Self) -> Bool {
        if let left = lhs.whole, let right = rhs.whole { return left < right }
        return lhs.approximate < rhs.approximate
    }

    static func == (lhs: Self, rhs: Self) -> Bool {
        if let left = lhs.whole, let right = rhs.whole { return left == right }
        return lhs.approximate == rhs.approximate
    }

    func hash(into hasher: inout Hasher) { hasher.combine(approximate) }
}
