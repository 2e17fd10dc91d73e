package import Base

/// A moment as a date and a time of day in UTC, in the proleptic Gregorian calendar.
package struct CivilTime: Hashable, Sendable {
    package var year: Int
    package var month: Int
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int
    package var millisecond: Int

    package init(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, millisecond: Int = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
        self.millisecond = millisecond
    }

    package init(_ timestamp: Timestamp) {
        let seconds = timestamp.seconds
        let days = Self.floorDivide(seconds, 86_400)
        let rest = Int(seconds - days * 86_400)
        (year, month, day) = Self.date(daysSinceEpoch: Int(days))
        hour = rest / 3600
        minute = rest / 60 % 60
        second = rest % 60
        millisecond = Int(timestamp.milliseconds)
    }

    /// Nil when a field is out of its range, or the moment does not fit into a `Timestamp` (before 1678 or after 2261).
    package var timestamp: Timestamp? {
        guard (1678...2261).contains(year), (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year),
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second),
            (0...999).contains(millisecond)
        else { return nil }
        // A leap second is shown as the last second of its minute, as it is on a clock that smears it.
        let time = hour * 3600 + minute * 60 + min(second, 59)
        let seconds = Int64(Self.daysSinceEpoch(year: year, month: month, day: day)) * 86_400 + Int64(time)
        return Timestamp(nanoseconds: seconds * 1_000_000_000 + Int64(millisecond) * 1_000_000)
    }

    /// 0 is Sunday.
    var weekday: Int {
        let days = Self.daysSinceEpoch(year: year, month: month, day: day)
        return ((days + 4) % 7 + 7) % 7
    }

    static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    // The year is taken to begin in March, so that the leap day is its last; an era is 400 years, 146,097 days.

    static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = Int(floorDivide(Int64(shifted), 400))
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(daysSinceEpoch days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = Int(floorDivide(Int64(shifted), 146_097))
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

extension [UInt8] {
    /// Appends a number in at least `digits` decimal digits.
    mutating func appendPadded(_ value: Int, digits: Int) {
        var divisor = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}

/// Reads fixed-width numbers and literals from the front of a text; what fails leaves the scanner nowhere in
/// particular.
struct TextScanner {
    private let bytes: [UInt8]
    private(set) var index = 0

    init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { index == bytes.count }
    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func skip(_ byte: Character) -> Bool {
        guard let value = byte.asciiValue, next == value else { return false }
        index += 1
        return true
    }

    mutating func skip(text: String) -> Bool {
        guard bytes[index...].starts(with: text.utf8) else { return false }
        index += text.utf8.count
        return true
    }

    mutating func number(digits: Int) -> Int? { number(digits: digits...digits) }

    mutating func number(digits: ClosedRange<Int>) -> Int? {
        var value = 0, count = 0
        while count < digits.upperBound, let byte = next, (0x30...0x39).contains(byte) {
            value = value * 10 + Int(byte - 0x30)
            index += 1
            count += 1
        }
        return count >= digits.lowerBound ? value : nil
    }

    /// The position in `names` of the name that comes next.
    mutating func name(of names: [String]) -> Int? {
        for (position, name) in names.enumerated() where skip(text: name) { return position }
        return nil
    }
}
