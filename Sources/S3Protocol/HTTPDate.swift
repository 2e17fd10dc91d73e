package import Base

/// Dates in HTTP fields: written as IMF-fixdate, read in all three forms of RFC 9110, 5.6.7.
package enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let longWeekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    package static func format(_ timestamp: Timestamp) -> String {
        let time = CivilTime(timestamp)
        var output: [UInt8] = []
        output.reserveCapacity(29)
        output.append(contentsOf: weekdays[time.weekday].utf8)
        output.append(", ")
        output.appendPadded(time.day, digits: 2)
        output.append(" ")
        output.append(contentsOf: months[time.month - 1].utf8)
        output.append(" ")
        output.appendPadded(time.year, digits: 4)
        output.append(" ")
        appendTimeOfDay(time, to: &output)
        output.append(" GMT")
        return String(decoding: output, as: UTF8.self)
    }

    private static func appendTimeOfDay(_ time: CivilTime, to output: inout [UInt8]) {
        output.appendPadded(time.hour, digits: 2)
        output.append(":")
        output.appendPadded(time.minute, digits: 2)
        output.append(":")
        output.appendPadded(time.second, digits: 2)
    }

    /// Nil when the text is none of the three forms. The name of the weekday is not checked against the date.
    package static func parse(_ text: String) -> Timestamp? {
        fixdate(text) ?? rfc850(text) ?? asctime(text)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`; also with a zone of `+0000` or `UTC`, as some clients write it.
    private static func fixdate(_ text: String) -> Timestamp? {
        var scanner = TextScanner(text)
        guard scanner.name(of: weekdays) != nil, scanner.skip(text: ", "), let day = scanner.number(digits: 1...2),
            scanner.skip(" "), let month = scanner.name(of: months), scanner.skip(" "),
            let year = scanner.number(digits: 4), scanner.skip(" "), let time = timeOfDay(&scanner), zone(&scanner)
        else { return nil }
        return timestamp(year, month, day, time)
    }

    /// `Sunday, 06-Nov-94 08:49:37 GMT`. Two digits of a year from 70 on are of the last century.
    private static func rfc850(_ text: String) -> Timestamp? {
        var scanner = TextScanner(text)
        guard scanner.name(of: longWeekdays) != nil, scanner.skip(text: ", "), let day = scanner.number(digits: 2),
            scanner.skip("-"), let month = scanner.name(of: months), scanner.skip("-"),
            let year = scanner.number(digits: 2), scanner.skip(" "), let time = timeOfDay(&scanner), zone(&scanner)
        else { return nil }
        return timestamp(year < 70 ? 2000 + year : 1900 + year, month, day, time)
    }

    /// `Sun Nov  6 08:49:37 1994`
    private static func asctime(_ text: String) -> Timestamp? {
        var scanner = TextScanner(text)
        guard scanner.name(of: weekdays) != nil, scanner.skip(" "), let month = scanner.name(of: months),
            scanner.skip(" ")
        else { return nil }
        _ = scanner.skip(" ")
        guard let day = scanner.number(digits: 1...2), scanner.skip(" "), let time = timeOfDay(&scanner),
            scanner.skip(" "), let year = scanner.number(digits: 4), scanner.isAtEnd
        else { return nil }
        return timestamp(year, month, day, time)
    }

    private static func timeOfDay(_ scanner: inout TextScanner) -> (hour: Int, minute: Int, second: Int)? {
        guard let hour = scanner.number(digits: 2), scanner.skip(":"), let minute = scanner.number(digits: 2),
            scanner.skip(":"), let second = scanner.number(digits: 2)
        else { return nil }
        return (hour, minute, second)
    }

    private static func zone(_ scanner: inout TextScanner) -> Bool {
        scanner.skip(" ") && scanner.name(of: ["GMT", "UTC", "+0000"]) != nil && scanner.isAtEnd
    }

    private static func timestamp(
        _ year: Int, _ month: Int, _ day: Int, _ time: (hour: Int, minute: Int, second: Int)
    ) -> Timestamp? {
        let moment = CivilTime(
            year: year, month: month + 1, day: day, hour: time.hour, minute: time.minute, second: time.second)
        // "For ever" is often written as the year 9999, which a timestamp does not reach: the last year that it does
        // stands for it.
        guard year > 2261 else { return moment.timestamp }
        return CivilTime(year: 2261, month: 12, day: 31, hour: 23, minute: 59, second: 59).timestamp
    }
}
