package import Base

/// One version of an object, or a delete marker: all that HEAD and LIST read. Docs/formats/version-record.md.
package struct VersionRecord: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
        case object = 1
        case deleteMarker = 2
    }

    package var kind: Kind
    /// Bytes that a client sees, whatever is stored.
    package var size: Int64 = 0
    package var lastModified: Timestamp
    /// Without quotes.
    package var etag = ""
    package var checksum: ObjectChecksum?
    package var headers = ContentHeaders()
    package var metadata: [NameValue] = []
    package var tags: [NameValue] = []
    package var storageClass = StorageClass.standard
    /// True when the version's id is its creating position; false for the null version.
    package var hasVersionID = false
    package var layout: ObjectLayout = .data(.empty)
    package var owner = ""
    package var lock = VersionLock()
    /// The access control list; nil: the owner has full control and nobody else anything.
    package var grants: [AccessGrant]?
    package var unknown: [UnknownField] = []

    package init(kind: Kind, lastModified: Timestamp) {
        self.kind = kind
        self.lastModified = lastModified
    }
}

/// Where the bytes of a version are.
package enum ObjectLayout: Hashable, Sendable {
    case data(DataLayout)
    case parts(PartMapReference)
}

/// Names the part map of an object made by a multipart upload: rows of the upload space under the upload's id.
package struct PartMapReference: Hashable, Sendable {
    /// What finds the page of an offset or a part number without reading pages.
    package struct PageStart: Hashable, Sendable {
        package var offset: Int64
        package var number: Int
        package init(offset: Int64, number: Int) {
            self.offset = offset
            self.number = number
        }
    }
    package var upload: UniqueID
    package var partCount: Int
    /// Rising offsets and numbers, the first offset 0; never empty.
    package var pages: [PageStart]

    package init(upload: UniqueID, partCount: Int, pages: [PageStart]) {
        self.upload = upload
        self.partCount = partCount
        self.pages = pages
    }
}

extension VersionRecord {
    static let formatVersion: UInt8 = 1

    /// Field headers. Numbers 13 to 19 are set aside, see the format's page.
    enum Field {
        static let size = FieldHeader.plain(1)
        static let lastModified = FieldHeader.plain(2)
        static let etag = FieldHeader.plain(3)
        static let checksum = FieldHeader.plain(4)
        static let headers = FieldHeader.plain(5)
        static let metadata = FieldHeader.plain(6)
        static let tags = FieldHeader.plain(7)
        static let storageClass = FieldHeader.plain(8)
        static let hasVersionID = FieldHeader.critical(9)
        static let layout = FieldHeader.critical(10)
        static let owner = FieldHeader.plain(11)
        static let lock = FieldHeader.critical(12)
        static let grants = FieldHeader.critical(30)
    }

    package func encoded() -> [UInt8] {
        var out = FieldWriter(version: Self.formatVersion, kind: kind.rawValue, unknown: unknown)
        if size != 0 { out.field(Field.size) { $0.varint(size) } }
        out.field(Field.lastModified) { $0.fixed(lastModified.nanoseconds) }
        if !etag.isEmpty { out.text(Field.etag, etag) }
        if let checksum { out.field(Field.checksum) { AttributeCoding.write(checksum, to: &$0) } }
        if headers != ContentHeaders() { out.field(Field.headers) { AttributeCoding.write(headers, to: &$0) } }
        if !metadata.isEmpty { out.field(Field.metadata) { AttributeCoding.write(metadata, to: &$0) } }
        if !tags.isEmpty { out.field(Field.tags) { AttributeCoding.write(tags, to: &$0) } }
        if storageClass != .standard { out.field(Field.storageClass) { $0.byte(storageClass.rawValue) } }
        if hasVersionID { out.field(Field.hasVersionID) { $0.byte(1) } }
        if layout != .data(.empty) { out.field(Field.layout) { layout.write(to: &$0) } }
        if !owner.isEmpty { out.text(Field.owner, owner) }
        if !lock.isEmpty { out.field(Field.lock) { LockCoding.write(lock, to: &$0) } }
        if let grants { out.field(Field.grants) { GrantCoding.write(grants, to: &$0) } }
        return out.finish()
    }

    package init(decoding bytes: [UInt8]) throws(FormatError) {
        var reader = try FieldReader(bytes, version: Self.formatVersion)
        guard let kind = Kind(rawValue: reader.kind) else { throw .invalid("kind") }
        self.init(kind: kind, lastModified: Timestamp(nanoseconds: 0))
        var sawTime = false
        while let (header, found) = try reader.next() {
            var value = found
            switch header {
            case Field.size: size = try value.size()
            case Field.lastModified:
                lastModified = Timestamp(nanoseconds: try value.fixed(Int64.self))
                sawTime = true
            case Field.etag: etag = try value.restText()
            case Field.checksum: checksum = try AttributeCoding.checksum(&value)
            case Field.headers: headers = try AttributeCoding.headers(&value)
            case Field.metadata: metadata = try AttributeCoding.list(&value)
            case Field.tags: tags = try AttributeCoding.list(&value)
            case Field.storageClass: storageClass = try AttributeCoding.storageClass(&value)
            case Field.hasVersionID:
                guard try value.byte() == 1 else { throw .invalid("version id flag") }
                hasVersionID = true
            case Field.layout: layout = try ObjectLayout(&value)
            case Field.owner: owner = try value.restText()
            case Field.lock: lock = try LockCoding.lock(&value)
            case Field.grants: grants = try GrantCoding.grants(&value)
            default:
                try reader.keepUnknown(header, value)
                continue
            }
            try value.expectEnd()
        }
        guard sawTime else { throw .missing("last modified") }
        unknown = reader.unknown
    }
}

extension ObjectLayout {
    private static let partsTag: UInt8 = 4

    func write(to out: inout ByteWriter) {
        switch self {
        case .data(let layout): LayoutCoding.write(layout, to: &out)
        case .parts(let map):
            out.byte(Self.partsTag)
            out.id(map.upload)
            out.varint(map.partCount)
            out.varint(map.pages.count)
            var last = PartMapReference.PageStart(offset: 0, number: 0)
            for page in map.pages {
                out.varint(page.offset - last.offset)
                out.varint(page.number - last.number)
                last = page
            }
        }
    }

    init(_ reader: inout ByteReader) throws(FormatError) {
        let tag = try reader.byte()
        guard tag == Self.partsTag else {
            self = .data(try LayoutCoding.layout(&reader, tag: tag))
            return
        }
        let upload = try reader.id(), partCount = try reader.number(PartNumber.max)
        let count = try reader.count(itemBytes: 2)
        guard count >= 1, count <= partCount else { throw .invalid("part map") }
        var pages: [PartMapReference.PageStart] = []
        var offset: Int64 = 0, number = 0
        for index in 0..<count {
            let (sum, overflow) = offset.addingReportingOverflow(try reader.size())
            number += try reader.number(PartNumber.max)
            guard !overflow, number >= 1, number <= PartNumber.max, index > 0 || sum == 0 else {
                throw .invalid("part map")
            }
            if let last = pages.last, number <= last.number { throw .invalid("part map") }
            offset = sum
            pages.append(PartMapReference.PageStart(offset: offset, number: number))
        }
        self = .parts(PartMapReference(upload: upload, partCount: partCount, pages: pages))
    }
}
