/// Why a document is not a policy. `message` is the sentence that S3 answers with MalformedPolicy.
package enum PolicyError: Error, Hashable, Sendable {
    case tooLarge
    case notJSON
    case duplicateName(String)
    case unknownField(String)
    case missingField(String)
    case emptyStatements
    case invalidVersion
    case invalidEffect(String)
    case invalidPrincipal
    case allowWithNotPrincipal
    case principalNotAllowed
    case invalidAction
    case invalidResource
    case actionWithoutResource
    case invalidConditionType(String)
    case invalidConditionValue
    case invalidConditionKey
    case conflictingFields(String, String)

    package var message: String {
        switch self {
        case .tooLarge: "Policy exceeds the maximum allowed document size."
        case .notJSON: "Policies must be valid JSON and the first byte must be '{'"
        case .duplicateName(let name): "Duplicate field \(name)"
        case .unknownField(let name): "Unknown field \(name)"
        case .missingField(let name): "Missing required field \(name)"
        case .emptyStatements: "Could not parse the policy: Statement is empty!"
        case .invalidVersion: "The policy must contain a valid version string"
        case .invalidEffect(let text): "Invalid effect: \(text)"
        case .invalidPrincipal: "Invalid principal in policy"
        case .allowWithNotPrincipal: "Allow with NotPrincipal is not allowed."
        case .principalNotAllowed: "Policy document should not specify a principal."
        case .invalidAction: "Policy has invalid action"
        case .invalidResource: "Policy has invalid resource"
        case .actionWithoutResource: "Action does not apply to any resource(s) in statement"
        case .invalidConditionType(let text): "Invalid Condition type : \(text)"
        case .invalidConditionValue: "Policy has an invalid condition value"
        case .invalidConditionKey: "Policy has an invalid condition key"
        case .conflictingFields(let one, let other): "Policy has both \(one) and \(other)"
        }
    }
}
