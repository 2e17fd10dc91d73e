/// A moment of wall time: nanoseconds since 1970-01-01T00:00:00Z.
///
/// Wall time is shown to clients (Last-Modified) and checked against them (signatures); it never orders commits.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    package init(seconds: Int64) { self.nanoseconds = seconds * 1_000_000_000 }
    package static func < (lhs: Timestamp, rhs: Timestamp) -> Bool { lhs.nanoseconds < rhs.nanoseconds }

    /// Whole seconds since 1970, rounded down.
    package var seconds: Int64 {
        let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// Milliseconds within the second, 0 to 999.
    package var milliseconds: Int64 { (nanoseconds - seconds * 1_000_000_000) / 1_000_000 }
}

/// Where wall time and monotonic time come from. Everything below the composition root takes one as a parameter.
package protocol TimeSource: Sendable {
    /// Wall time.
    func now() -> Timestamp
    /// Nanoseconds on a clock that never goes back; its zero means nothing.
    func monotonicNanoseconds() -> UInt64
}

/// Where random bits come from: the kernel in the server, a seed in the simulator.
package protocol RandomSource: Sendable {
    func next() -> UInt64
}
