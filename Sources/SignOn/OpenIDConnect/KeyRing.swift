/// The keys of an issuer, and when to ask for them anew: a value that the issuer's actor holds. Times are seconds on a clock that never
/// goes back.
package struct KeyRing: Sendable {
    package enum Step: Hashable, Sendable {
        case use([JSONWebKey])
        case fetch
        /// There are keys, none of which fits, and it is too early to ask again.
        case unknown
        /// There are no keys, and it is too early to ask again.
        case unreachable
    }

    /// Keys that a provider took back are forgotten after this time.
    package static let freshSeconds: UInt64 = 600
    /// Tokens with invented key ids must not make this server a load on the provider: so many questions at once, then one each interval.
    package static let questionsMax = 5
    package static let intervalSeconds: UInt64 = 10

    private var keys: [JSONWebKey]?
    private var fetched: UInt64 = 0
    private var questions = questionsMax
    private var counted: UInt64 = 0
    private var hasFailed = false

    package init() {}

    package mutating func step(_ token: JSONWebToken, now: UInt64) -> Step {
        let intervals = (now - counted) / Self.intervalSeconds
        questions = min(Self.questionsMax, questions + Int(min(intervals, 100)))
        counted += intervals * Self.intervalSeconds
        let fitting = keys?.filter { $0.fits(token) } ?? []
        if !fitting.isEmpty {
            // The last good keys serve while the provider does not answer; it is asked again once an interval.
            let age = now - fetched
            if age < (hasFailed ? Self.intervalSeconds : Self.freshSeconds) { return .use(fitting) }
        }
        if questions > 0 {
            questions -= 1
            return .fetch
        }
        if !fitting.isEmpty { return .use(fitting) }
        return keys == nil ? .unreachable : .unknown
    }

    /// What a question that `step` asked for brought; nil when there was no answer.
    package mutating func take(_ found: [JSONWebKey]?, now: UInt64) {
        fetched = now
        hasFailed = found == nil
        if let found { keys = found }
    }

    /// What is known now, without a further question.
    package func settled(_ token: JSONWebToken) -> Step {
        let fitting = keys?.filter { $0.fits(token) } ?? []
        if !fitting.isEmpty { return .use(fitting) }
        return keys == nil || hasFailed ? .unreachable : .unknown
    }
}
