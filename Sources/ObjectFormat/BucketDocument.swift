package import Base

/// What a bucket can be configured with, beside its own record: one document of each kind, or several told apart by an id.
/// The raw values are in index keys and records for ever. Docs/formats/system-records.md.
package enum BucketDocumentKind: UInt8, CaseIterable, Comparable, Sendable {
    case policy = 1
    case acl = 2
    case ownershipControls = 3
    case publicAccessBlock = 4
    case cors = 5
    case tagging = 6
    case website = 7
    case logging = 8
    case accelerate = 9
    case requestPayment = 10
    case inventory = 11
    case metrics = 12
    case analytics = 13
    case intelligentTiering = 14
    case notification = 15
    case lifecycle = 16
    case encryption = 17
    case replication = 18
    case quota = 19
    case attributeBasedAccess = 20

    package static func < (lhs: BucketDocumentKind, rhs: BucketDocumentKind) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// One stored document. What is in the bytes is the front end's business. Docs/formats/system-records.md.
package struct BucketDocumentRecord: Hashable, Sendable {
    package static let bytesMax = 60 << 10

    package var kind: BucketDocumentKind
    package var modified: Timestamp
    package var bytes: [UInt8]
    package var unknown: [UnknownField] = []

    package init(kind: BucketDocumentKind, modified: Timestamp, bytes: [UInt8]) {
        self.kind = kind
        self.modified = modified
        self.bytes = bytes
    }
}

extension BucketDocumentRecord {
    static let formatVersion: UInt8 = 1

    private enum Field {
        static let modified = FieldHeader.plain(1)
        static let bytes = FieldHeader.critical(2)
    }

    package func encoded() -> [UInt8] {
        var out = FieldWriter(version: Self.formatVersion, kind: kind.rawValue, unknown: unknown)
        out.field(Field.modified) { $0.fixed(modified.nanoseconds) }
        out.field(Field.bytes) { $0.raw(bytes) }
        return out.finish()
    }

    package init(decoding encoded: [UInt8]) throws(FormatError) {
        var reader = try FieldReader(encoded, version: Self.formatVersion)
        guard let kind = BucketDocumentKind(rawValue: reader.kind) else { throw .invalid("kind") }
        var modified: Int64?, bytes: [UInt8]?
        while let (header, found) = try reader.next() {
            var value = found
            switch header {
            case Field.modified: modified = try value.fixed(Int64.self)
            case Field.bytes: bytes = value.rest()
            default:
                try reader.keepUnknown(header, value)
                continue
            }
            try value.expectEnd()
        }
        guard let modified, let bytes else { throw .missing("document") }
        self.init(kind: kind, modified: Timestamp(nanoseconds: modified), bytes: bytes)
        unknown = reader.unknown
    }
}
