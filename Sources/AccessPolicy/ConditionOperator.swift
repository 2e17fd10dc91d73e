/// An operator of a Condition: what is compared and how, over one value or a set.
package struct ConditionOperator: Hashable, Sendable {
    enum Comparison: Hashable, Sendable {
        case string(foldingCase: Bool, wildcards: Bool)
        case arn
        case numeric(Order)
        case date(Order)
        case bool
        case binary
        case address
        /// The key is absent ("true") or present ("false").
        case null
    }
    enum Order: Hashable, Sendable { case equal, less, lessOrEqual, greater, greaterOrEqual }
    enum Quantifier: Hashable, Sendable { case single, forAll, forAny }

    /// As the policy wrote it.
    package let name: String
    let comparison: Comparison
    let isNegated: Bool
    let ifExists: Bool
    let quantifier: Quantifier

    init(_ name: String) throws(PolicyError) {
        self.name = name
        var rest = Substring(name)
        var quantifier = Quantifier.single
        if let colon = rest.firstIndex(of: ":") {
            switch rest[..<colon].lowercased() {
            case "forallvalues": quantifier = .forAll
            case "foranyvalue": quantifier = .forAny
            default: throw .invalidConditionType(name)
            }
            rest = rest[rest.index(after: colon)...]
        }
        var ifExists = false
        if rest.lowercased().hasSuffix("ifexists") {
            ifExists = true
            rest = rest.dropLast("ifexists".count)
        }
        guard let (comparison, isNegated) = Self.table[rest.lowercased()] else { throw .invalidConditionType(name) }
        if comparison == .null, ifExists || quantifier != .single { throw .invalidConditionType(name) }
        (self.comparison, self.isNegated) = (comparison, isNegated)
        (self.ifExists, self.quantifier) = (ifExists, quantifier)
    }

    private static let table: [String: (Comparison, Bool)] = [
        "stringequals": (.string(foldingCase: false, wildcards: false), false),
        "stringnotequals": (.string(foldingCase: false, wildcards: false), true),
        "stringequalsignorecase": (.string(foldingCase: true, wildcards: false), false),
        "stringnotequalsignorecase": (.string(foldingCase: true, wildcards: false), true),
        "stringlike": (.string(foldingCase: false, wildcards: true), false),
        "stringnotlike": (.string(foldingCase: false, wildcards: true), true),
        "numericequals": (.numeric(.equal), false),
        "numericnotequals": (.numeric(.equal), true),
        "numericlessthan": (.numeric(.less), false),
        "numericlessthanequals": (.numeric(.lessOrEqual), false),
        "numericgreaterthan": (.numeric(.greater), false),
        "numericgreaterthanequals": (.numeric(.greaterOrEqual), false),
        "dateequals": (.date(.equal), false),
        "datenotequals": (.date(.equal), true),
        "datelessthan": (.date(.less), false),
        "datelessthanequals": (.date(.lessOrEqual), false),
        "dategreaterthan": (.date(.greater), false),
        "dategreaterthanequals": (.date(.greaterOrEqual), false),
        "bool": (.bool, false),
        "binaryequals": (.binary, false),
        "ipaddress": (.address, false),
        "notipaddress": (.address, true),
        "arnequals": (.arn, false),
        "arnlike": (.arn, false),
        "arnnotequals": (.arn, true),
        "arnnotlike": (.arn, true),
        "null": (.null, false),
    ]
}

extension ConditionOperator.Order {
    func holds<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
        switch self {
        case .equal: left == right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}
