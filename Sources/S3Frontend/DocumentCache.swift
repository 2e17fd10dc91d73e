import Base
import ObjectFormat
import Objects
import S3Protocol
import Synchronization

/// The parsed forms of bucket documents that requests need again and again, kept by revision.
final class DocumentCache: Sendable {
    private struct Key: Hashable {
        var bucket: BucketID
        var kind: BucketDocumentKind
    }
    private struct Entry {
        var revision: Position
        var value: any Sendable
    }
    private let entries = Mutex<[Key: Entry]>([:])

    /// Beyond it all are dropped: to parse again is cheap, and a server with more buckets in use at once has other costs.
    private static let entriesMax = 4096

    /// The one document of a kind, parsed; nil when the bucket has none. What was stored was validated when it came.
    func value<Value: Sendable>(
        _ kind: BucketDocumentKind, of bucket: BucketInfo, _ parse: ([UInt8]) throws(S3Error) -> Value
    ) throws(S3Error) -> Value? {
        guard let document = bucket.documents[kind] else { return nil }
        let key = Key(bucket: bucket.id, kind: kind)
        let kept = entries.withLock { $0[key] }
        if let kept, kept.revision == document.revision, let value = kept.value as? Value { return value }
        let value = try parse(document.bytes)
        entries.withLock { entries in
            if entries.count >= Self.entriesMax { entries = [:] }
            entries[key] = Entry(revision: document.revision, value: value)
        }
        return value
    }
}
