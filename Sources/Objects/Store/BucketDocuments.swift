package import Base
import Drives
package import ObjectFormat

/// One document of a bucket as it is stored.
package struct BucketDocument: Hashable, Sendable {
    package var kind: BucketDocumentKind
    /// Empty for the kinds of which a bucket has one.
    package var id: String
    package var bytes: [UInt8]
    package var modified: Timestamp
    /// Differs between any two states of a document: what was parsed of it may be kept by this.
    package var revision: Position
}

/// The documents of a bucket, by kind and id. A value: part of the snapshot that requests read without a hop.
package struct BucketDocuments: Hashable, Sendable {
    /// In order of kind and the bytes of the id.
    private var documents: [BucketDocument] = []

    package init() {}

    package var isEmpty: Bool { documents.isEmpty }
    /// The one document of a kind.
    package subscript(_ kind: BucketDocumentKind) -> BucketDocument? { self[kind, ""] }

    package subscript(_ kind: BucketDocumentKind, _ id: String) -> BucketDocument? {
        let index = index(kind, id)
        guard index < documents.count, documents[index].kind == kind, documents[index].id == id else { return nil }
        return documents[index]
    }

    /// The documents of a kind, in order of the bytes of their ids.
    package func all(_ kind: BucketDocumentKind) -> ArraySlice<BucketDocument> {
        let start = index(kind, "")
        var end = start
        while end < documents.count, documents[end].kind == kind { end += 1 }
        return documents[start..<end]
    }

    /// What the documents hold, for the limit.
    var byteCount: Int { documents.reduce(0) { $0 + $1.bytes.count } }

    mutating func set(_ document: BucketDocument) {
        let index = index(document.kind, document.id)
        if index < documents.count, documents[index].kind == document.kind, documents[index].id == document.id {
            documents[index] = document
        } else {
            documents.insert(document, at: index)
        }
    }

    mutating func remove(_ kind: BucketDocumentKind, _ id: String) {
        let index = index(kind, id)
        guard index < documents.count, documents[index].kind == kind, documents[index].id == id else { return }
        documents.remove(at: index)
    }

    /// Where a document is or would be.
    private func index(_ kind: BucketDocumentKind, _ id: String) -> Int {
        var low = 0, high = documents.count
        while low < high {
            let middle = (low + high) / 2, found = documents[middle]
            if found.kind < kind || found.kind == kind && found.id.utf8.lexicographicallyPrecedes(id.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}

/// What a read-modify-write of a document comes to.
package enum BucketDocumentChange: Hashable, Sendable {
    case keep
    case store([UInt8])
    case delete
}

/// A document that a bucket is created with.
package struct NewBucketDocument: Hashable, Sendable {
    package var kind: BucketDocumentKind
    package var bytes: [UInt8]
    package init(_ kind: BucketDocumentKind, _ bytes: [UInt8]) {
        self.kind = kind
        self.bytes = bytes
    }
}

extension BucketDocuments {
    /// All documents of a bucket on its home set.
    static func load(_ bucket: BucketID, from set: SetHandle) async throws(ObjectError) -> BucketDocuments {
        var documents = BucketDocuments()
        try await set.scan(prefix: StoreKeys.bucketDocuments(bucket), page: 64) { row throws(ObjectError) in
            documents.set(try row.bucketDocument().document)
        }
        return documents
    }

    /// The documents of all buckets that a set is home to.
    static func loadAll(from set: SetHandle) async throws(ObjectError) -> [BucketID: BucketDocuments] {
        var byBucket: [BucketID: BucketDocuments] = [:]
        try await set.scan(prefix: StoreKeys.bucketDocuments, page: 64) { row throws(ObjectError) in
            let (bucket, document) = try row.bucketDocument()
            byBucket[bucket, default: BucketDocuments()].set(document)
        }
        return byBucket
    }
}

extension SetRow {
    func bucketDocument() throws(ObjectError) -> (bucket: BucketID, document: BucketDocument) {
        guard let (bucket, kind, id) = StoreKeys.parseBucketDocument(key) else {
            throw .damaged(detail: "a bucket document's key of revision \(revision) does not parse")
        }
        let record: BucketDocumentRecord
        do { record = try BucketDocumentRecord(decoding: payload) } catch { throw ObjectError(error, in: self) }
        guard record.kind == kind else { throw .damaged(detail: "a bucket document under the key of another kind") }
        let document = BucketDocument(
            kind: kind, id: id, bytes: record.bytes, modified: record.modified, revision: revision)
        return (bucket, document)
    }
}
