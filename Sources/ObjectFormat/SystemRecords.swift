package import Base

/// A bucket's configuration. Docs/formats/system-records.md.
package struct BucketRecord: Hashable, Sendable {
    package enum State: UInt8, Sendable {
        case open = 1
        /// A DeleteBucket is checking that nothing is left; a start that finds it undoes it (rule 17).
        case closing = 2
    }

    package var state = State.open
    package var id: BucketID
    package var tenant: TenantID
    package var name: String
    package var created: Timestamp
    package var region = ""
    package var owner = ""
    package var objectLockEnabled = false
    package var objectOwnership = ""
    package var versioning = Versioning.unversioned
    package var defaultRetention: DefaultRetention?
    package var unknown: [UnknownField] = []

    package init(id: BucketID, tenant: TenantID, name: String, created: Timestamp) {
        self.id = id
        self.tenant = tenant
        self.name = name
        self.created = created
    }
}

extension BucketRecord {
    static let formatVersion: UInt8 = 1

    private enum Field {
        static let id = FieldHeader.plain(1)
        static let tenant = FieldHeader.plain(2)
        static let name = FieldHeader.plain(3)
        static let created = FieldHeader.plain(4)
        static let region = FieldHeader.plain(5)
        static let owner = FieldHeader.plain(6)
        static let objectLock = FieldHeader.critical(7)
        static let ownership = FieldHeader.plain(8)
        static let versioning = FieldHeader.critical(9)
        static let defaultRetention = FieldHeader.critical(10)
    }

    package func encoded() -> [UInt8] {
        var out = FieldWriter(version: Self.formatVersion, kind: state.rawValue, unknown: unknown)
        out.field(Field.id) { $0.fixed(id.rawValue) }
        out.field(Field.tenant) { $0.fixed(tenant.rawValue) }
        out.text(Field.name, name)
        out.field(Field.created) { $0.fixed(created.nanoseconds) }
        if !region.isEmpty { out.text(Field.region, region) }
        if !owner.isEmpty { out.text(Field.owner, owner) }
        if objectLockEnabled { out.field(Field.objectLock) { $0.byte(1) } }
        if !objectOwnership.isEmpty { out.text(Field.ownership, objectOwnership) }
        if versioning != .unversioned { out.field(Field.versioning) { $0.byte(versioning.rawValue) } }
        if let defaultRetention { out.field(Field.defaultRetention) { LockCoding.write(defaultRetention, to: &$0) } }
        return out.finish()
    }

    package init(decoding bytes: [UInt8]) throws(FormatError) {
        var reader = try FieldReader(bytes, version: Self.formatVersion)
        guard let state = State(rawValue: reader.kind) else { throw .invalid("state") }
        var id: UInt64?, tenant: UInt32?, name: String?, created: Int64?
        var region = "", owner = "", lock = false, ownership = ""
        var versioning = Versioning.unversioned, retention: DefaultRetention?
        while let (header, found) = try reader.next() {
            var value = found
            switch header {
            case Field.id: id = try value.fixed(UInt64.self)
            case Field.tenant: tenant = try value.fixed(UInt32.self)
            case Field.name: name = try value.restText()
            case Field.created: created = try value.fixed(Int64.self)
            case Field.region: region = try value.restText()
            case Field.owner: owner = try value.restText()
            case Field.objectLock:
                guard try value.byte() == 1 else { throw .invalid("object lock") }
                lock = true
            case Field.ownership: ownership = try value.restText()
            case Field.versioning:
                guard let state = Versioning(rawValue: try value.byte()), state != .unversioned else {
                    throw .invalid("versioning")
                }
                versioning = state
            case Field.defaultRetention: retention = try LockCoding.defaultRetention(&value)
            default:
                try reader.keepUnknown(header, value)
                continue
            }
            try value.expectEnd()
        }
        guard let id, let tenant, let name, let created else { throw .missing("bucket") }
        self.init(
            id: BucketID(rawValue: id), tenant: TenantID(rawValue: tenant), name: name,
            created: Timestamp(nanoseconds: created))
        (self.state, self.region, self.owner) = (state, region, owner)
        (objectLockEnabled, objectOwnership, unknown) = (lock, ownership, reader.unknown)
        (self.versioning, defaultRetention) = (versioning, retention)
    }
}

/// Space to free in bounded, restartable steps (rule 7). Docs/formats/system-records.md.
package struct ToFreeRecord: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        /// Parts and part map of one upload, on the set that holds the record.
        case upload(BucketID, UniqueID)
        /// Everything in the upload space of a deleted bucket, on all sets, and its documents on the set that holds the record.
        case bucketUploads(BucketID)
        /// Parts of a completed upload that are not in its part map, on the set that holds the record.
        case unusedParts(BucketID, UniqueID)
    }
    package var subject: Subject
    package init(_ subject: Subject) { self.subject = subject }
}

extension ToFreeRecord {
    static let formatVersion: UInt8 = 1

    package func encoded() -> [UInt8] {
        var out = ByteWriter()
        out.byte(Self.formatVersion)
        switch subject {
        case .upload(let bucket, let upload):
            out.byte(1)
            out.fixed(bucket.rawValue)
            out.id(upload)
        case .bucketUploads(let bucket):
            out.byte(2)
            out.fixed(bucket.rawValue)
        case .unusedParts(let bucket, let upload):
            out.byte(3)
            out.fixed(bucket.rawValue)
            out.id(upload)
        }
        return out.bytes
    }

    package init(decoding bytes: [UInt8]) throws(FormatError) {
        var reader = ByteReader(bytes)
        let version = try reader.byte()
        guard version == Self.formatVersion else { throw .unsupportedVersion(version) }
        switch try reader.byte() {
        case 1: self.init(.upload(BucketID(rawValue: try reader.fixed(UInt64.self)), try reader.id()))
        case 2: self.init(.bucketUploads(BucketID(rawValue: try reader.fixed(UInt64.self))))
        case 3: self.init(.unusedParts(BucketID(rawValue: try reader.fixed(UInt64.self)), try reader.id()))
        default: throw .invalid("subject")
        }
        try reader.expectEnd()
    }
}

/// The position of a null version that is not the newest of its key. Docs/formats/version-record.md.
package struct NullVersionRecord: Hashable, Sendable {
    package var created: Position
    package init(_ created: Position) { self.created = created }

    static let formatVersion: UInt8 = 1

    package func encoded() -> [UInt8] {
        var out = ByteWriter()
        out.byte(Self.formatVersion)
        out.fixed(created.epoch)
        out.fixed(created.sequence)
        return out.bytes
    }

    package init(decoding bytes: [UInt8]) throws(FormatError) {
        var reader = ByteReader(bytes)
        let version = try reader.byte()
        guard version == Self.formatVersion else { throw .unsupportedVersion(version) }
        created = Position(epoch: try reader.fixed(UInt64.self), sequence: try reader.fixed(UInt64.self))
        try reader.expectEnd()
    }
}

/// Which set holds which partition; the highest version counts. Docs/formats/partition.md.
package struct PartitionMap: Hashable, Sendable {
    package var version: UInt64
    package let setCount: Int
    /// One for each partition.
    package let sets: [UInt16]

    /// Spreads the partitions evenly over sets.
    package init(setCount: Int) {
        version = 1
        self.setCount = setCount
        sets = (0..<Partition.count).map { UInt16($0 % setCount) }
    }

    package func set(of partition: Partition) -> Int { Int(sets[partition.number]) }
}

extension PartitionMap {
    static let formatVersion: UInt8 = 1

    package func encoded() -> [UInt8] {
        var out = ByteWriter()
        out.byte(Self.formatVersion)
        out.fixed(version)
        out.fixed(UInt16(setCount))
        for set in sets { out.fixed(set) }
        return out.bytes
    }

    package init(decoding bytes: [UInt8]) throws(FormatError) {
        var reader = ByteReader(bytes)
        let format = try reader.byte()
        guard format == Self.formatVersion else { throw .unsupportedVersion(format) }
        version = try reader.fixed(UInt64.self)
        setCount = Int(try reader.fixed(UInt16.self))
        var sets: [UInt16] = []
        sets.reserveCapacity(Partition.count)
        for _ in 0..<Partition.count {
            let set = try reader.fixed(UInt16.self)
            guard Int(set) < setCount else { throw .invalid("set") }
            sets.append(set)
        }
        try reader.expectEnd()
        self.sets = sets
    }
}
