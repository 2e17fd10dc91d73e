package import Base
import Synchronization

/// The structured access log: one JSON line a request, gathered in memory and written in pieces by `run()`.
///
/// Bounded: when the writer can't keep up, lines are dropped and counted, and the next piece says how many. Requests never wait
/// for the log.
package final class AccessLog: RequestEventSink {
    /// About 20,000 lines; a disk that is behind by more than that has other problems.
    package static let pendingBytesMax = 8 << 20

    private struct Pending {
        var bytes: [UInt8] = []
        var dropped = 0
    }
    private let pending = Mutex(Pending())

    package init() {}

    package func record(_ event: RequestEvent) {
        let line = Self.line(event)
        pending.withLock { pending in
            guard pending.bytes.count + line.count <= Self.pendingBytesMax else {
                pending.dropped += 1
                return
            }
            pending.bytes += line
        }
    }

    /// Everything recorded since the last call, ready to be written.
    package func take() -> [UInt8] {
        let (bytes, dropped) = pending.withLock { pending in
            let taken = (pending.bytes, pending.dropped)
            pending = Pending()
            return taken
        }
        guard dropped > 0 else { return bytes }
        var line = JSONLine()
        line.add("event", "access log lines dropped")
        line.add("count", dropped)
        return bytes + line.finish()
    }

    package static func line(_ event: RequestEvent) -> [UInt8] {
        var line = JSONLine()
        line.add("version", "1")
        line.add("time", RFC3339.text(event.time))
        line.add("requestID", event.requestID)
        line.add("api", event.api)
        line.add("tenant", event.tenant)
        line.add("bucket", event.bucket)
        line.add("object", event.object)
        line.add("method", event.method)
        line.add("statusCode", event.status)
        line.add("error", event.errorCode)
        line.add("rx", event.receivedBytes)
        line.add("tx", event.sentBytes)
        line.add("timeToFirstByteInNS", event.timeToFirstByteNanoseconds)
        line.add("timeToResponseInNS", event.durationNanoseconds)
        line.add("remotehost", event.remoteAddress)
        line.add("requestHost", event.host)
        line.add("userAgent", event.userAgent)
        line.add("accessKey", event.accessKey)
        return line.finish()
    }
}

/// Times in logs: RFC 3339, UTC, milliseconds.
package enum RFC3339 {
    package static func text(_ time: Timestamp) -> String {
        // Civil date from days since 1970, with years that start in March so that the leap day is the last one.
        let days = Int((Double(time.seconds) / 86_400).rounded(.down)), second = Int(time.seconds) - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(second / 3_600, 2)):\(pad(second / 60 % 60, 2)):"
            + "\(pad(second % 60, 2)).\(pad(Int(time.milliseconds), 3))Z"
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
