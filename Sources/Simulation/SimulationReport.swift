/// What came of a schedule.
package struct SimulationReport: Sendable {
    package var violation: String?
    package var acknowledged = 0
    package var reads = 0
    package var listings = 0
    package var losses = 0
    package var requests = 0
    /// Of every line of the trace: two runs with one digest took one course.
    package private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    /// The last lines of the trace.
    package private(set) var lines: [String] = []
    var hasToken = false
    var lastError = ""
    var keepsLines = false
    private static let linesMax = 4_000

    mutating func note(_ text: String) {
        for byte in text.utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
        guard keepsLines, lines.count < Self.linesMax, lines.last != text else { return }
        lines.append(text)
    }
}
