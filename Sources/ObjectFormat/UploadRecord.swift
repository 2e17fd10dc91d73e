package import Base
package import Digests

/// A multipart upload: in progress, or completed and kept for a day to answer retries. Docs/formats/upload-records.md.
package struct UploadRecord: Hashable, Sendable {
    package struct Completion: Hashable, Sendable {
        package var at: Timestamp
        package var etag: String
        package var checksum: ObjectChecksum?
        package var size: Int64
        package var lastModified: Timestamp
        /// Where the version was created, if it has an id of its own.
        package var version: Position?
        package init(
            at: Timestamp, etag: String, checksum: ObjectChecksum?, size: Int64, lastModified: Timestamp,
            version: Position?
        ) {
            self.at = at
            self.etag = etag
            self.checksum = checksum
            self.size = size
            self.lastModified = lastModified
            self.version = version
        }
    }

    package var initiated: Timestamp
    package var headers = ContentHeaders()
    package var metadata: [NameValue] = []
    package var tags: [NameValue] = []
    package var storageClass = StorageClass.standard
    package var owner = ""
    /// The access control list that the object will have.
    package var grants: [AccessGrant]?
    /// Who began the upload, when that is not its owner.
    package var initiator = ""
    package var checksumAlgorithm = ChecksumAlgorithm.crc64nvme
    package var checksumType = ChecksumType.fullObject
    /// False when the client named no algorithm and the default was taken.
    package var isChecksumChosen = false
    /// What the object will be locked with, beside the bucket's default.
    package var lock = VersionLock()
    package var completion: Completion?
    package var unknown: [UnknownField] = []

    package init(initiated: Timestamp) { self.initiated = initiated }
}

extension UploadRecord {
    static let formatVersion: UInt8 = 1
    static let activeKind: UInt8 = 1
    static let completedKind: UInt8 = 2

    private enum Field {
        static let initiated = FieldHeader.plain(1)
        static let headers = FieldHeader.plain(2)
        static let metadata = FieldHeader.plain(3)
        static let tags = FieldHeader.plain(4)
        static let storageClass = FieldHeader.plain(5)
        static let owner = FieldHeader.plain(6)
        static let checksum = FieldHeader.plain(7)
        static let completedAt = FieldHeader.plain(8)
        static let etag = FieldHeader.plain(9)
        static let finalChecksum = FieldHeader.plain(10)
        static let size = FieldHeader.plain(11)
        static let lastModified = FieldHeader.plain(12)
        static let version = FieldHeader.plain(13)
        static let lock = FieldHeader.critical(14)
        static let grants = FieldHeader.critical(30)
        static let initiator = FieldHeader.plain(31)
    }

    package func encoded() -> [UInt8] {
        let kind = completion == nil ? Self.activeKind : Self.completedKind
        var out = FieldWriter(version: Self.formatVersion, kind: kind, unknown: unknown)
        out.field(Field.initiated) { $0.fixed(initiated.nanoseconds) }
        if headers != ContentHeaders() { out.field(Field.headers) { AttributeCoding.write(headers, to: &$0) } }
        if !metadata.isEmpty { out.field(Field.metadata) { AttributeCoding.write(metadata, to: &$0) } }
        if !tags.isEmpty { out.field(Field.tags) { AttributeCoding.write(tags, to: &$0) } }
        if storageClass != .standard { out.field(Field.storageClass) { $0.byte(storageClass.rawValue) } }
        if !owner.isEmpty { out.text(Field.owner, owner) }
        out.field(Field.checksum) {
            $0.byte(checksumAlgorithm.rawValue)
            $0.byte(checksumType.rawValue)
            $0.byte(isChecksumChosen ? 1 : 0)
        }
        if let completion {
            out.field(Field.completedAt) { $0.fixed(completion.at.nanoseconds) }
            out.text(Field.etag, completion.etag)
            if let checksum = completion.checksum {
                out.field(Field.finalChecksum) { AttributeCoding.write(checksum, to: &$0) }
            }
            out.field(Field.size) { $0.varint(completion.size) }
            out.field(Field.lastModified) { $0.fixed(completion.lastModified.nanoseconds) }
            if let version = completion.version { out.field(Field.version) { $0.position(version) } }
        }
        if !lock.isEmpty { out.field(Field.lock) { LockCoding.write(lock, to: &$0) } }
        if let grants { out.field(Field.grants) { GrantCoding.write(grants, to: &$0) } }
        if !initiator.isEmpty { out.text(Field.initiator, initiator) }
        return out.finish()
    }

    package init(decoding bytes: [UInt8]) throws(FormatError) {
        var reader = try FieldReader(bytes, version: Self.formatVersion)
        guard reader.kind == Self.activeKind || reader.kind == Self.completedKind else { throw .invalid("kind") }
        self.init(initiated: Timestamp(nanoseconds: 0))
        var sawTime = false, sawChecksum = false
        var at: Timestamp?, etag: String?, finalChecksum: ObjectChecksum?, size: Int64?, modified: Timestamp?,
            version: Position?
        while let (header, found) = try reader.next() {
            var value = found
            switch header {
            case Field.initiated:
                initiated = Timestamp(nanoseconds: try value.fixed(Int64.self))
                sawTime = true
            case Field.headers: headers = try AttributeCoding.headers(&value)
            case Field.metadata: metadata = try AttributeCoding.list(&value)
            case Field.tags: tags = try AttributeCoding.list(&value)
            case Field.storageClass: storageClass = try AttributeCoding.storageClass(&value)
            case Field.owner: owner = try value.restText()
            case Field.checksum:
                guard let algorithm = ChecksumAlgorithm(rawValue: try value.byte()),
                    let type = ChecksumType(rawValue: try value.byte())
                else { throw .invalid("checksum") }
                let chosen = try value.byte()
                guard chosen <= 1 else { throw .invalid("checksum") }
                (checksumAlgorithm, checksumType, isChecksumChosen) = (algorithm, type, chosen == 1)
                sawChecksum = true
            case Field.completedAt: at = Timestamp(nanoseconds: try value.fixed(Int64.self))
            case Field.etag: etag = try value.restText()
            case Field.finalChecksum: finalChecksum = try AttributeCoding.checksum(&value)
            case Field.size: size = try value.size()
            case Field.lastModified: modified = Timestamp(nanoseconds: try value.fixed(Int64.self))
            case Field.version: version = try value.position()
            case Field.lock: lock = try LockCoding.lock(&value)
            case Field.grants: grants = try GrantCoding.grants(&value)
            case Field.initiator: initiator = try value.restText()
            default:
                try reader.keepUnknown(header, value)
                continue
            }
            try value.expectEnd()
        }
        guard sawTime else { throw .missing("initiated") }
        guard sawChecksum else { throw .missing("checksum") }
        if reader.kind == Self.completedKind {
            guard let at, let etag, let size, let modified else { throw .missing("completion") }
            completion = Completion(
                at: at, etag: etag, checksum: finalChecksum, size: size, lastModified: modified, version: version)
        } else if at != nil || etag != nil || finalChecksum != nil || size != nil || modified != nil || version != nil {
            throw .invalid("completion")
        }
        unknown = reader.unknown
    }
}

/// One part of an upload; it stays when the upload is completed, and owns its data. Docs/formats/upload-records.md.
package struct PartRecord: Hashable, Sendable {
    package var size: Int64
    package var lastModified: Timestamp
    package var etag: String
    package var checksum: ObjectChecksum?
    package var layout: DataLayout
    package var unknown: [UnknownField] = []

    package init(size: Int64, lastModified: Timestamp, etag: String, checksum: ObjectChecksum?, layout: DataLayout) {
        self.size = size
        self.lastModified = lastModified
        self.etag = etag
        self.checksum = checksum
        self.layout = layout
    }
}

extension PartRecord {
    static let formatVersion: UInt8 = 1
    static let kind: UInt8 = 1

    private enum Field {
        static let size = FieldHeader.plain(1)
        static let lastModified = FieldHeader.plain(2)
        static let etag = FieldHeader.plain(3)
        static let checksum = FieldHeader.plain(4)
        static let layout = FieldHeader.critical(5)
    }

    package func encoded() -> [UInt8] {
        var out = FieldWriter(version: Self.formatVersion, kind: Self.kind, unknown: unknown)
        out.field(Field.size) { $0.varint(size) }
        out.field(Field.lastModified) { $0.fixed(lastModified.nanoseconds) }
        out.text(Field.etag, etag)
        if let checksum { out.field(Field.checksum) { AttributeCoding.write(checksum, to: &$0) } }
        out.field(Field.layout) { LayoutCoding.write(layout, to: &$0) }
        return out.finish()
    }

    package init(decoding bytes: [UInt8]) throws(FormatError) {
        var reader = try FieldReader(bytes, version: Self.formatVersion)
        guard reader.kind == Self.kind else { throw .invalid("kind") }
        var size: Int64?, modified: Timestamp?, etag: String?, checksum: ObjectChecksum?, layout: DataLayout?
        while let (header, found) = try reader.next() {
            var value = found
            switch header {
            case Field.size: size = try value.size()
            case Field.lastModified: modified = Timestamp(nanoseconds: try value.fixed(Int64.self))
            case Field.etag: etag = try value.restText()
            case Field.checksum: checksum = try AttributeCoding.checksum(&value)
            case Field.layout: layout = try LayoutCoding.layout(&value)
            default:
                try reader.keepUnknown(header, value)
                continue
            }
            try value.expectEnd()
        }
        guard let size, let modified, let etag, let layout else { throw .missing("part") }
        self.init(size: size, lastModified: modified, etag: etag, checksum: checksum, layout: layout)
        unknown = reader.unknown
    }
}
