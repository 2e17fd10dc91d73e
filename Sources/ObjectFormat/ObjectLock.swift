package import Base

/// Whether a bucket keeps old versions. Raw values are on disk for ever.
package enum Versioning: UInt8, Hashable, Sendable {
    /// Never enabled: there is one version of each key, the null version. No bucket comes back to this.
    case unversioned = 0
    case enabled = 1
    /// New versions are null versions; those with ids stay.
    case suspended = 2
}

/// How strictly a version is kept. Raw values are on disk for ever.
package enum RetentionMode: UInt8, Hashable, Sendable {
    /// Who has the permission may shorten or remove it.
    case governance = 1
    /// Nobody shortens or removes it.
    case compliance = 2
}

/// Until when a version is kept.
package struct Retention: Hashable, Sendable {
    package var mode: RetentionMode
    package var until: Timestamp
    package init(mode: RetentionMode, until: Timestamp) {
        self.mode = mode
        self.until = until
    }
}

/// What keeps one version from being removed.
package struct VersionLock: Hashable, Sendable {
    package var retention: Retention?
    /// nil: never set, which S3 tells apart from off.
    package var legalHold: Bool?

    package init(retention: Retention? = nil, legalHold: Bool? = nil) {
        self.retention = retention
        self.legalHold = legalHold
    }

    package var isEmpty: Bool { retention == nil && legalHold == nil }

    /// The one rule of every path that removes or replaces a version.
    package func forbidsRemoval(at now: Timestamp, bypassingGovernance: Bool) -> Bool {
        if legalHold == true { return true }
        guard let retention, retention.until > now else { return false }
        return retention.mode == .compliance || !bypassingGovernance
    }

    /// Whether retention may become `new`. It may always be made longer in the same mode; any other change is refused in compliance
    /// mode, and in governance mode allowed only to who may bypass it.
    package func allowsRetention(_ new: Retention?, at now: Timestamp, bypassingGovernance: Bool) -> Bool {
        guard let old = retention, old.until > now else { return true }
        if let new, new.until >= old.until, new.mode == old.mode { return true }
        return old.mode == .governance && bypassingGovernance
    }
}

/// What a bucket with object lock gives to new versions that bring no retention of their own.
package struct DefaultRetention: Hashable, Sendable {
    package enum Period: Hashable, Sendable {
        case days(Int)
        case years(Int)

        /// A year is 365 days, leap years or not.
        var days: Int {
            switch self {
            case .days(let count): count
            case .years(let count): count * 365
            }
        }
    }

    /// A hundred years.
    package static let daysMax = 36_500

    package var mode: RetentionMode
    package var period: Period

    package init(mode: RetentionMode, period: Period) {
        self.mode = mode
        self.period = period
    }

    package func retention(from now: Timestamp) -> Retention {
        let span = Int64(period.days) * 86_400 * 1_000_000_000
        let (until, overflow) = now.nanoseconds.addingReportingOverflow(span)
        return Retention(mode: mode, until: Timestamp(nanoseconds: overflow ? .max : until))
    }
}

enum LockCoding {
    static func write(_ lock: VersionLock, to out: inout ByteWriter) {
        out.byte(lock.retention?.mode.rawValue ?? 0)
        if let retention = lock.retention { out.fixed(retention.until.nanoseconds) }
        out.byte(lock.legalHold.map { $0 ? 1 : 2 } ?? 0)
    }

    static func lock(_ reader: inout ByteReader) throws(FormatError) -> VersionLock {
        var lock = VersionLock()
        let mode = try reader.byte()
        if mode != 0 {
            guard let mode = RetentionMode(rawValue: mode) else { throw .invalid("retention mode") }
            lock.retention = Retention(mode: mode, until: Timestamp(nanoseconds: try reader.fixed(Int64.self)))
        }
        switch try reader.byte() {
        case 0: break
        case 1: lock.legalHold = true
        case 2: lock.legalHold = false
        default: throw .invalid("legal hold")
        }
        return lock
    }

    static func write(_ retention: DefaultRetention, to out: inout ByteWriter) {
        out.byte(retention.mode.rawValue)
        switch retention.period {
        case .days(let count):
            out.byte(1)
            out.varint(count)
        case .years(let count):
            out.byte(2)
            out.varint(count)
        }
    }

    static func defaultRetention(_ reader: inout ByteReader) throws(FormatError) -> DefaultRetention {
        guard let mode = RetentionMode(rawValue: try reader.byte()) else { throw .invalid("retention mode") }
        let unit = try reader.byte(), count = try reader.number(DefaultRetention.daysMax)
        switch unit {
        case 1: return DefaultRetention(mode: mode, period: .days(count))
        case 2 where count <= DefaultRetention.daysMax / 365:
            return DefaultRetention(mode: mode, period: .years(count))
        default: throw .invalid("retention period")
        }
    }
}
