/// How far a pass has come.
package struct LoadProgress: Sendable {
    package var name: String
    package var isWarmUp: Bool
    package var done: Int
    /// nil when the pass ends by time.
    package var limit: Int?
    package var elapsedSeconds: Double
    package var limitSeconds: Int

    package init(name: String, isWarmUp: Bool, done: Int, limit: Int?, elapsedSeconds: Double, limitSeconds: Int) {
        self.name = name
        self.isWarmUp = isWarmUp
        self.done = done
        self.limit = limit
        self.elapsedSeconds = elapsedSeconds
        self.limitSeconds = limitSeconds
    }

    /// 0 to 1.
    package var share: Double {
        let share =
            if let limit { Double(done) / Double(max(1, limit)) } else {
                elapsedSeconds / Double(max(1, limitSeconds))
            }
        return min(1, max(0, share))
    }

    /// A bar of text that fits a terminal's line of 80 columns.
    package var line: String {
        let width = 24, filled = Int(share * Double(width))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        let perSecond = Figure.text(Double(done) / max(elapsedSeconds, 1e-3), 0)
        let count = limit.map { "\(done) of \($0)" } ?? "\(done)"
        let percent = Figure.text(share * 100, 0)
        let name = (isWarmUp ? "warm-up " : "") + name.prefix(16)
        return "\(name) [\(bar)] \(percent) %  \(count)  \(perSecond)/s"
    }
}

/// Numbers as texts: always the same, whatever the locale.
package enum Figure {
    /// `digits` after the point.
    package static func text(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, scaled.magnitude < 1e18 else { return "0" }
        let number = Int64(scaled), sign = number < 0 ? "-" : ""
        let whole = (number / Int64(scale)).magnitude, rest = (number % Int64(scale)).magnitude
        guard digits > 0 else { return sign + String(whole) }
        let text = String(rest)
        return "\(sign)\(whole)." + String(repeating: "0", count: digits - text.utf8.count) + text
    }

    package static func milliseconds(_ nanoseconds: UInt64) -> String { text(Double(nanoseconds) / 1e6, 3) }

    /// With three or so digits that matter, and no zeros at the end.
    package static func short(_ value: Double) -> String {
        let size = value.magnitude
        if size >= 1e9 { return trimmed(value / 1e9) + "G" }
        if size >= 1e6 { return trimmed(value / 1e6) + "M" }
        if size >= 1e4 { return trimmed(value / 1e3) + "k" }
        return trimmed(value)
    }

    private static func trimmed(_ value: Double) -> String {
        var text = text(value, value.magnitude >= 100 ? 0 : value.magnitude >= 1 ? 2 : 4)
        guard text.contains(".") else { return text }
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}
