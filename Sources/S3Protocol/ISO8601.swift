package import Base

/// ISO 8601 in UTC: the form of S3's documents and the compact form of signatures.
package enum ISO8601 {
    /// `2009-10-12T17:50:30.000Z`
    package static func format(_ timestamp: Timestamp) -> String {
        var output: [UInt8] = []
        append(timestamp, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    static func append(_ timestamp: Timestamp, to output: inout [UInt8], milliseconds: Bool = true) {
        let time = CivilTime(timestamp)
        output.appendPadded(time.year, digits: 4)
        output.append("-")
        output.appendPadded(time.month, digits: 2)
        output.append("-")
        output.appendPadded(time.day, digits: 2)
        output.append("T")
        output.appendPadded(time.hour, digits: 2)
        output.append(":")
        output.appendPadded(time.minute, digits: 2)
        output.append(":")
        output.appendPadded(time.second, digits: 2)
        if milliseconds {
            output.append(".")
            output.appendPadded(time.millisecond, digits: 3)
        }
        output.append("Z")
    }

    /// `2009-10-12T17:50:30Z`, as error documents have it.
    package static func formatSeconds(_ timestamp: Timestamp) -> String {
        var output: [UInt8] = []
        append(timestamp, to: &output, milliseconds: false)
        return String(decoding: output, as: UTF8.self)
    }

    /// `20091012T175030Z`
    package static func formatCompact(_ timestamp: Timestamp) -> String {
        let time = CivilTime(timestamp)
        var output: [UInt8] = []
        output.reserveCapacity(16)
        output.appendPadded(time.year, digits: 4)
        output.appendPadded(time.month, digits: 2)
        output.appendPadded(time.day, digits: 2)
        output.append("T")
        output.appendPadded(time.hour, digits: 2)
        output.appendPadded(time.minute, digits: 2)
        output.appendPadded(time.second, digits: 2)
        output.append("Z")
        return String(decoding: output, as: UTF8.self)
    }

    /// Reads `20091012T175030Z` and nothing else.
    package static func parseCompact(_ text: some StringProtocol) -> Timestamp? {
        var scanner = TextScanner(text)
        guard let year = scanner.number(digits: 4), let month = scanner.number(digits: 2),
            let day = scanner.number(digits: 2), scanner.skip("T"), let hour = scanner.number(digits: 2),
            let minute = scanner.number(digits: 2), let second = scanner.number(digits: 2), scanner.skip("Z"),
            scanner.isAtEnd
        else { return nil }
        return CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second).timestamp
    }

    /// Reads `2009-10-12T17:50:30[.fraction](Z|±hh:mm)` and a bare date. Digits beyond milliseconds are dropped.
    package static func parse(_ text: some StringProtocol) -> Timestamp? {
        var scanner = TextScanner(text)
        guard let year = scanner.number(digits: 4), scanner.skip("-"), let month = scanner.number(digits: 2),
            scanner.skip("-"), let day = scanner.number(digits: 2)
        else { return nil }
        if scanner.isAtEnd {
            return CivilTime(year: year, month: month, day: day, hour: 0, minute: 0, second: 0).timestamp
        }
        guard scanner.skip("T"), let hour = scanner.number(digits: 2), scanner.skip(":"),
            let minute = scanner.number(digits: 2), scanner.skip(":"), let second = scanner.number(digits: 2),
            let millisecond = fraction(&scanner), let offset = zone(&scanner), scanner.isAtEnd
        else { return nil }
        let time = CivilTime(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, millisecond: millisecond)
        guard let local = time.timestamp else { return nil }
        // The years that `CivilTime` accepts end a day or more inside of what fits, so the offset cannot overflow.
        return Timestamp(nanoseconds: local.nanoseconds - Int64(offset) * 60_000_000_000)
    }

    private static func fraction(_ scanner: inout TextScanner) -> Int? {
        guard scanner.skip(".") else { return 0 }
        var value = 0, count = 0
        while let byte = scanner.next, (0x30...0x39).contains(byte) {
            guard let digit = scanner.number(digits: 1) else { return nil }
            if count < 3 { value = value * 10 + digit }
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in min(count, 3)..<3 { value *= 10 }
        return value
    }

    /// Minutes east of UTC.
    private static func zone(_ scanner: inout TextScanner) -> Int? {
        if scanner.skip("Z") { return 0 }
        let sign: Int
        if scanner.skip("+") { sign = 1 } else if scanner.skip("-") { sign = -1 } else { return nil }
        guard let hours = scanner.number(digits: 2), hours < 24 else { return nil }
        _ = scanner.skip(":")
        guard let minutes = scanner.number(digits: 2), minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}
