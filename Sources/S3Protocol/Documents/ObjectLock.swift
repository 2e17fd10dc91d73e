package import Base

package enum ObjectLockMode: String, Hashable, Sendable {
    case governance = "GOVERNANCE"
    case compliance = "COMPLIANCE"
}

/// The document of PutObjectLockConfiguration and GetObjectLockConfiguration.
package struct ObjectLockConfiguration: Hashable, Sendable {
    package enum Period: Hashable, Sendable {
        case days(Int)
        case years(Int)
    }

    package struct Rule: Hashable, Sendable {
        package var mode: ObjectLockMode
        package var period: Period
        package init(mode: ObjectLockMode, period: Period) {
            self.mode = mode
            self.period = period
        }
    }

    package static let daysMax: Int64 = 36_500
    package static let yearsMax: Int64 = 100

    package var rule: Rule?

    package init(rule: Rule?) { self.rule = rule }

    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body)
        try root.expect("ObjectLockConfiguration", children: ["ObjectLockEnabled", "Rule"])
        guard try root.trimmed("ObjectLockEnabled") == "Enabled" else { throw S3Error(.malformedXML) }
        guard let rule = try root.child("Rule") else { return }
        try rule.expect("Rule", children: ["DefaultRetention"])
        guard let retention = try rule.child("DefaultRetention") else { throw S3Error(.malformedXML) }
        try retention.expect("DefaultRetention", children: ["Mode", "Days", "Years"])
        guard let mode = try retention.trimmed("Mode").flatMap(ObjectLockMode.init(rawValue:)) else {
            throw S3Error(.malformedXML)
        }
        switch (try retention.integer("Days"), try retention.integer("Years")) {
        case (let days?, nil):
            self.rule = Rule(mode: mode, period: .days(try Self.period(days, max: Self.daysMax, "Days")))
        case (nil, let years?):
            self.rule = Rule(mode: mode, period: .years(try Self.period(years, max: Self.yearsMax, "Years")))
        default: throw S3Error(.malformedXML)
        }
    }

    private static func period(_ count: Int64, max: Int64, _ name: String) throws(S3Error) -> Int {
        guard count > 0 else {
            throw .invalidArgument(
                "Default retention period must be a positive integer value.", name: name, value: String(count))
        }
        guard count <= max else {
            throw .invalidArgument(
                "Default retention period must be at most \(max) \(name.lowercased()).", name: name,
                value: String(count))
        }
        return Int(count)
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 384)
        writer.openRoot("ObjectLockConfiguration")
        writer.element("ObjectLockEnabled", "Enabled")
        if let rule {
            writer.open("Rule")
            writer.open("DefaultRetention")
            writer.element("Mode", rule.mode.rawValue)
            switch rule.period {
            case .days(let count): writer.element("Days", count)
            case .years(let count): writer.element("Years", count)
            }
            writer.close("DefaultRetention")
            writer.close("Rule")
        }
        writer.close("ObjectLockConfiguration")
        return writer.bytes
    }
}

/// The document of PutObjectRetention and GetObjectRetention, and two of the fields of a write.
package struct ObjectRetention: Hashable, Sendable {
    package var mode: ObjectLockMode
    package var until: Timestamp

    package init(mode: ObjectLockMode, until: Timestamp) {
        self.mode = mode
        self.until = until
    }

    /// Nil for a document that says nothing: retention is to be removed.
    package static func parse(_ body: [UInt8], now: Timestamp) throws(S3Error) -> ObjectRetention? {
        let root = try XMLReader.parse(body)
        try root.expect("Retention", children: ["Mode", "RetainUntilDate"])
        let mode = try root.trimmed("Mode"), date = try root.trimmed("RetainUntilDate")
        if mode ?? "" == "", date ?? "" == "" { return nil }
        guard let mode = mode.flatMap(ObjectLockMode.init(rawValue:)), let date,
            let until = ISO8601.parse(date)
        else { throw S3Error(.malformedXML) }
        return try ObjectRetention(mode: mode, until: until).checked(now)
    }

    func checked(_ now: Timestamp) throws(S3Error) -> ObjectRetention {
        guard until > now else {
            throw .invalidArgument(
                "The retain until date must be in the future!", name: "x-amz-object-lock-retain-until-date",
                value: ISO8601.format(until))
        }
        return self
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 256)
        writer.openRoot("Retention")
        writer.element("Mode", mode.rawValue)
        writer.element("RetainUntilDate", ISO8601.format(until))
        writer.close("Retention")
        return writer.bytes
    }
}

/// The document of PutObjectLegalHold and GetObjectLegalHold.
package struct ObjectLegalHold: Hashable, Sendable {
    package var isOn: Bool

    package init(isOn: Bool) { self.isOn = isOn }

    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body)
        try root.expect("LegalHold", children: ["Status"])
        switch try root.trimmed("Status") {
        case "ON": isOn = true
        case "OFF": isOn = false
        default: throw S3Error(.malformedXML)
        }
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 192)
        writer.openRoot("LegalHold")
        writer.element("Status", isOn ? "ON" : "OFF")
        writer.close("LegalHold")
        return writer.bytes
    }
}

/// The x-amz-object-lock- fields of a write.
package struct ObjectLockFields: Hashable, Sendable {
    package var retention: ObjectRetention?
    package var legalHold: Bool?

    package init(_ head: RequestHead, now: Timestamp) throws(S3Error) {
        let mode = head.value("x-amz-object-lock-mode"), date = head.value("x-amz-object-lock-retain-until-date")
        switch (mode, date) {
        case (nil, nil): break
        case (let mode?, let date?):
            guard let known = ObjectLockMode(rawValue: mode) else {
                throw .invalidArgument("Unknown wormMode directive.", name: "x-amz-object-lock-mode", value: mode)
            }
            guard let until = ISO8601.parse(date) else {
                throw .invalidArgument(
                    "The retain until date must be provided in ISO 8601 format",
                    name: "x-amz-object-lock-retain-until-date", value: date)
            }
            retention = try ObjectRetention(mode: known, until: until).checked(now)
        default:
            let missing = mode == nil ? "x-amz-object-lock-mode" : "x-amz-object-lock-retain-until-date"
            throw .invalidArgument(
                "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
                name: missing, value: "")
        }
        switch head.value("x-amz-object-lock-legal-hold") {
        case nil: break
        case "ON": legalHold = true
        case "OFF": legalHold = false
        case let other?:
            throw .invalidArgument(
                "Legal Hold must be either of 'ON' or 'OFF'", name: "x-amz-object-lock-legal-hold", value: other)
        }
    }

    package var isEmpty: Bool { retention == nil && legalHold == nil }
}
