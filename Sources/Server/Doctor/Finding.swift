/// One thing that `martlet doctor` looked at: what it is, what was found, and what to do about it.
package struct Finding: Sendable, Equatable {
    package enum Verdict: String, Sendable {
        case good = "ok"
        /// Works, but slower or less safe than it could be.
        case advice
        /// The server would refuse to start, or data would be at risk.
        case bad
    }
    package var verdict: Verdict
    package var subject: String
    package var found: String
    /// Empty when nothing needs doing.
    package var remedy: String

    package init(_ verdict: Verdict, _ subject: String, _ found: String, remedy: String = "") {
        self.verdict = verdict
        self.subject = subject
        self.found = found
        self.remedy = remedy
    }

    package var line: String {
        let mark = verdict.rawValue + String(repeating: " ", count: max(0, 7 - verdict.rawValue.count))
        let name = subject + String(repeating: " ", count: max(1, 22 - subject.count))
        return remedy.isEmpty ? "\(mark)\(name)\(found)" : "\(mark)\(name)\(found)\n       → \(remedy)"
    }
}
