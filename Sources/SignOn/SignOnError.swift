/// Why somebody could not sign on. The sentences are shown to the caller: they name no secret and no address.
package enum SignOnError: Error, Hashable, Sendable {
    /// The token is not one that this server takes.
    case invalidToken(String)
    case expired
    /// The provider could not be asked.
    case unreachable(String)
    /// The token or the directory's answer lacks what a session needs.
    case rejected(String)
    /// Wrong name or password: which of them is not told.
    case denied
}
