package import Base

/// Dates as HTTP shows them: `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
    package static func bytes(_ time: Timestamp) -> [UInt8] {
        let seconds = time.seconds
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let second = seconds - days * 86_400
        let (year, month, day) = civil(days)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(29)
        let weekday = Int(((days + 4) % 7 + 7) % 7)
        bytes.append(contentsOf: "SunMonTueWedThuFriSat".utf8.dropFirst(weekday * 3).prefix(3))
        bytes.append(", ")
        twoDigits(day, &bytes)
        bytes.append(0x20)
        bytes.append(contentsOf: "JanFebMarAprMayJunJulAugSepOctNovDec".utf8.dropFirst((month - 1) * 3).prefix(3))
        bytes.append(0x20)
        twoDigits(year / 100, &bytes)
        twoDigits(year % 100, &bytes)
        bytes.append(0x20)
        twoDigits(Int(second / 3600), &bytes)
        bytes.append(0x3A)
        twoDigits(Int(second / 60 % 60), &bytes)
        bytes.append(0x3A)
        twoDigits(Int(second % 60), &bytes)
        bytes.append(" GMT")
        return bytes
    }

    private static func twoDigits(_ value: Int, _ bytes: inout [UInt8]) {
        bytes.append(UInt8(0x30 + value / 10 % 10))
        bytes.append(UInt8(0x30 + value % 10))
    }

    /// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar. Years are counted from March,
    /// so that the leap day is the last of its year.
    private static func civil(_ days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (Int(year), Int(month), Int(dayOfYear - (153 * marchMonth + 2) / 5 + 1))
    }
}
