import Base
import Digests
import ObjectFormat

/// One of each record with everything in it, and the encodings that format version 1 gave them.
enum Samples {
    static var limits: LimitRecord {
        var record = LimitRecord()
        record.requests = LimitRecord.Limit(perSecond: 100, burst: 25)
        record.bytesIn = LimitRecord.Limit(perSecond: 1 << 20)
        record.weight = 3
        record.bucket = BucketID(rawValue: 5)
        return record
    }
    static let upload = UniqueID(high: 0x0102_0304_0506_0708, low: 0x1112_1314_1516_1718)

    static var version: VersionRecord {
        var record = VersionRecord(kind: .object, lastModified: Timestamp(nanoseconds: 1_700_000_000_123_456_789))
        record.size = 300_000
        record.etag = "d41d8cd98f00b204e9800998ecf8427e"
        record.checksum = ObjectChecksum(algorithm: .crc64nvme, value: [1, 2, 3, 4, 5, 6, 7, 8])
        record.headers.contentType = "text/plain"
        record.headers.expires = "Thu, 01 Jan 1970 00:00:00 GMT"
        record.metadata = [NameValue(name: "colour", value: "grün"), NameValue(name: "a", value: "")]
        record.tags = [NameValue(name: "k", value: "v")]
        record.storageClass = .reducedRedundancy
        record.hasVersionID = true
        record.layout = .data(
            .coded(count: 300_000, geometry: Geometry(data: 2, parity: 2), rotation: 3, blockBytes: 65_536, id: upload))
        record.owner = "root"
        record.lock = VersionLock(
            retention: Retention(mode: .compliance, until: Timestamp(seconds: 1_900_000_000)), legalHold: false)
        return record
    }

    static var sharedVersion: VersionRecord {
        var record = VersionRecord(kind: .object, lastModified: Timestamp(seconds: 2))
        record.owner = "writer"
        record.grants = [
            AccessGrant(.account("writer"), .fullControl), AccessGrant(.allUsers, .read),
            AccessGrant(.authenticatedUsers, .readACP), AccessGrant(.logDelivery, .write),
        ]
        return record
    }

    static var sharedUpload: UploadRecord {
        var record = UploadRecord(initiated: Timestamp(seconds: 5))
        record.owner = "owner"
        record.grants = []
        record.initiator = "writer"
        return record
    }

    static var versionOfParts: VersionRecord {
        var record = VersionRecord(kind: .object, lastModified: Timestamp(seconds: 1))
        record.size = 10 << 30
        record.layout = .parts(
            PartMapReference(
                upload: upload, partCount: 200,
                pages: [.init(offset: 0, number: 1), .init(offset: 5 << 30, number: 130)]))
        return record
    }

    static var deleteMarker: VersionRecord { VersionRecord(kind: .deleteMarker, lastModified: Timestamp(seconds: -1)) }

    static var activeUpload: UploadRecord {
        var record = UploadRecord(initiated: Timestamp(seconds: 5))
        record.headers.contentEncoding = "gzip"
        record.metadata = [NameValue(name: "x", value: "y")]
        record.checksumAlgorithm = .sha256
        record.checksumType = .composite
        record.isChecksumChosen = true
        record.lock = VersionLock(legalHold: true)
        return record
    }

    static var completedUpload: UploadRecord {
        var record = activeUpload
        record.completion = UploadRecord.Completion(
            at: Timestamp(seconds: 9), etag: "abc-2",
            checksum: ObjectChecksum(
                algorithm: .sha256, type: .composite, value: Array(repeating: 7, count: 32), partCount: 2),
            size: 77, lastModified: Timestamp(seconds: 9), version: Position(epoch: 2, sequence: 3))
        return record
    }

    static var part: PartRecord {
        PartRecord(
            size: 12, lastModified: Timestamp(seconds: 6), etag: "0123456789abcdef0123456789abcdef",
            checksum: ObjectChecksum(algorithm: .crc32, value: [9, 8, 7, 6]),
            layout: .packed(count: 12, geometry: Geometry(data: 4, parity: 2), rotation: 1))
    }

    static var page: PartMapPage {
        PartMapPage(entries: [
            PartMapEntry(number: 2, offset: 100, size: 10, checksum: nil, layout: .copies(count: 10, slots: [0, 3])),
            PartMapEntry(number: 7, offset: 110, size: 0, checksum: nil, layout: .empty),
            PartMapEntry(
                number: 8, offset: 110, size: 5, checksum: ObjectChecksum(algorithm: .crc32c, value: [1, 1, 1, 1]),
                layout: .packed(count: 5, geometry: Geometry(data: 1, parity: 0), rotation: 0)),
        ])
    }

    static var bucketDocument: BucketDocumentRecord {
        BucketDocumentRecord(kind: .cors, modified: Timestamp(seconds: 4), bytes: Array("<CORS/>".utf8))
    }

    static var bucket: BucketRecord {
        var record = BucketRecord(
            id: BucketID(rawValue: 0xAABB), tenant: TenantID(rawValue: 1), name: "photos",
            created: Timestamp(seconds: 3))
        record.region = "us-east-1"
        record.owner = "root"
        record.objectLockEnabled = true
        record.objectOwnership = "BucketOwnerEnforced"
        record.versioning = .suspended
        record.defaultRetention = DefaultRetention(mode: .governance, period: .days(30))
        record.state = .closing
        return record
    }
}
