/// A refusal of the IAM or STS API: the code that clients switch on, its status and a sentence.
package struct IdentityError: Error, Hashable, Sendable {
    package var code: String
    package var status: Int
    package var message: String

    package init(_ code: String, _ status: Int, _ message: String) {
        (self.code, self.status, self.message) = (code, status, message)
    }

    package static func noSuchEntity(_ what: String) -> IdentityError { IdentityError("NoSuchEntity", 404, what) }
    static func noSuch(_ kind: Holder.Kind, _ name: String) -> IdentityError {
        noSuchEntity("The \(kind.rawValue.lowercased()) with name \(name) cannot be found.")
    }
    static func alreadyExists(_ what: String) -> IdentityError {
        IdentityError("EntityAlreadyExists", 409, "\(what) already exists.")
    }
    static func deleteConflict(_ what: String) -> IdentityError {
        IdentityError("DeleteConflict", 409, "Cannot delete entity, must \(what) first.")
    }
    static func limitExceeded(_ what: String) -> IdentityError { IdentityError("LimitExceeded", 409, what) }
    static func malformedPolicy(_ what: String) -> IdentityError { IdentityError("MalformedPolicyDocument", 400, what) }
    package static func invalid(_ what: String) -> IdentityError { IdentityError("ValidationError", 400, what) }
    package static func invalidInput(_ what: String) -> IdentityError { IdentityError("InvalidInput", 400, what) }
    static let tooManyTags = limitExceeded("Cannot exceed quota for TagsPerEntity: \(IdentityTag.countMax)")
    package static let conflict = IdentityError(
        "ConcurrentModification", 409, "Another change is in progress. Please retry.")
    package static let accessDenied = IdentityError("AccessDenied", 403, "Access Denied")
    package static let serviceFailure = IdentityError("ServiceFailure", 500, "The request failed. Please try again.")
    package static let serviceUnavailable = IdentityError(
        "ServiceUnavailable", 503, "The store can't serve this now. Please retry.")
    static func unknownAction(_ name: String) -> IdentityError {
        IdentityError("InvalidAction", 400, "Could not find operation \(name)")
    }
}
