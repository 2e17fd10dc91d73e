/// Dates of conditions: ISO 8601 in the forms that AWS takes, or seconds since 1970.
enum DateText {
    static func parse(_ text: String) -> Double? {
        let bytes = Array(text.utf8)
        if !bytes.isEmpty, bytes.count <= 18, bytes.allSatisfy({ (0x30...0x39).contains($0) }), bytes.count != 8 {
            return Double(text)
        }
        var reader = Reader(bytes: bytes)
        return reader.date()
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard index < bytes.count, UInt32(bytes[index]) == character.value else { return false }
            index += 1
            return true
        }

        mutating func number(_ digits: Int) -> Int? {
            guard index + digits <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[index..<index + digits] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            index += digits
            return value
        }

        /// `2026-11-23`, `2026-11-23T22:10Z`, `2026-11-23T22:10:47.5+01:00` and the compact forms without dashes and colons.
        mutating func date() -> Double? {
            guard let year = number(4), year >= 1 else { return nil }
            let isDashed = take("-")
            guard let month = number(2), (1...12).contains(month) else { return nil }
            if isDashed, !take("-") { return nil }
            guard let day = number(2), (1...Self.days(in: month, year)).contains(day) else { return nil }
            var seconds = Double(Self.days(year, month, day) * 86_400)
            guard index < bytes.count else { return seconds }
            guard take("T") || take("t"), let hour = number(2), hour < 24 else { return nil }
            seconds += Double(hour * 3600)
            let hasColon = take(":")
            if let minute = number(2) {
                guard minute < 60 else { return nil }
                seconds += Double(minute * 60)
                if hasColon ? take(":") : true, let second = number(2) {
                    guard second <= 60 else { return nil }
                    seconds += Double(second)
                    if take(".") || take(",") {
                        var scale = 0.1, count = 0
                        while let digit = number(1), count < 18 {
                            seconds += Double(digit) * scale
                            scale /= 10
                            count += 1
                        }
                        guard count > 0 else { return nil }
                    }
                }
            }
            guard let zone = zone() else { return nil }
            return index == bytes.count ? seconds - zone : nil
        }

        /// Seconds east of Greenwich; UTC when none is written.
        private mutating func zone() -> Double? {
            if index == bytes.count || take("Z") || take("z") { return 0 }
            let sign: Double
            if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
            guard let hour = number(2), hour <= 14 else { return nil }
            _ = take(":")
            let minute = number(2) ?? 0
            guard minute < 60 else { return nil }
            return sign * Double(hour * 3600 + minute * 60)
        }

        private static func days(in month: Int, _ year: Int) -> Int {
            switch month {
            case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
            case 4, 6, 9, 11: 30
            default: 31
            }
        }

        /// Days since 1970-01-01 in the proleptic Gregorian calendar; a year begins in March, so that the leap day comes last.
        private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
            let shifted = month <= 2 ? year - 1 : year
            let era = shifted / 400, yearOfEra = shifted - era * 400
            let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
            return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        }
    }
}
