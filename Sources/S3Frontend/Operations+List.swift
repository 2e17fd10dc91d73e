import Base
import Digests
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func listObjectsV2(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let query = try ListObjectsV2Query(context.target)
        let page = try await page(context, query.scope, from: ListStart(try query.position()))
        let result = ListObjectsResult(
            bucket: context.bucketOrEmpty, scope: query.scope,
            version: .two(startAfter: query.startAfter, continuationToken: query.continuationToken),
            objects: listed(page, context, withOwner: query.fetchOwner), commonPrefixes: page.commonPrefixes,
            next: page.next.flatMap(ContinuationToken.init))
        return .xml(result.document())
    }

    func listObjects(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let query = try ListObjectsQuery(context.target)
        let start: ListStart = query.marker.isEmpty ? .beginning : .marker(ObjectKey(query.marker))
        let page = try await page(context, query.scope, from: start)
        // The next marker is the last entry, a common prefix as it is shown.
        let last = page.next == nil ? nil : page.entries.last.map(\.name)
        let result = ListObjectsResult(
            bucket: context.bucketOrEmpty, scope: query.scope, version: .one(marker: query.marker),
            objects: listed(page, context, withOwner: true), commonPrefixes: page.commonPrefixes,
            next: last.map { ContinuationToken(after: $0) })
        return .xml(result.document())
    }

    private func page(
        _ context: RequestContext, _ scope: ListingScope, from start: ListStart
    ) async throws(S3Error) -> ListResult {
        var options = ListOptions()
        options.prefix = ObjectKey(scope.prefix)
        options.delimiter = ObjectKey(scope.delimiter ?? [])
        options.start = start
        options.limit = scope.maxKeys
        let chosen = options
        return try await translating(context) { () async throws(ObjectError) in
            try await store.list(context.bucketOrEmpty, tenant: context.tenant, options: chosen)
        }
    }

    private func listed(_ page: ListResult, _ context: RequestContext, withOwner: Bool) -> [ListedObject] {
        page.entries.compactMap { entry in
            guard case .object(let object) = entry else { return nil }
            return ListedObject(object, owner: withOwner ? owner(object.owner, context) : nil)
        }
    }

    /// Whom a listing names as the owner of something: its own, or the signer for what was stored without one.
    func owner(_ id: String, _ context: RequestContext) -> OwnerElement {
        id.isEmpty || id == context.signer.canonicalID
            ? OwnerElement(id: context.signer.canonicalID, displayName: context.signer.displayName)
            : OwnerElement(id: id)
    }
}

extension ListResult {
    fileprivate var commonPrefixes: [[UInt8]] {
        entries.compactMap { entry in
            if case .commonPrefix(let prefix) = entry { prefix.bytes } else { nil }
        }
    }
}

extension ListResult.Entry {
    fileprivate var name: [UInt8] {
        switch self {
        case .object(let object): object.key.bytes
        case .commonPrefix(let prefix): prefix.bytes
        }
    }
}

extension ListedObject {
    fileprivate init(_ object: ObjectInfo, owner: OwnerElement?) {
        self.init(
            key: object.key.bytes, lastModified: object.lastModified, etag: object.etag, size: object.size,
            storageClass: S3Protocol.StorageClass(object.attributes.storageClass), owner: owner,
            checksumAlgorithm: object.checksum?.algorithm,
            checksumType: object.checksum.map { S3Protocol.ChecksumType($0.type) })
    }
}

extension ListStart {
    fileprivate init(_ token: ContinuationToken?) {
        switch token?.kind {
        case nil: self = .beginning
        case .afterKey: self = (token?.position.isEmpty ?? true) ? .beginning : .after(ObjectKey(token?.position ?? []))
        case .afterBucket: self = .beginning
        case .afterPrefix: self = .past(ObjectKey(token?.position ?? []))
        }
    }
}

extension ContinuationToken {
    /// nil at the beginning, which no page goes on from.
    fileprivate init?(_ start: ListStart) {
        switch start {
        case .beginning: return nil
        case .after(let key), .marker(let key): self.init(after: key.bytes)
        case .past(let prefix): self.init(afterPrefix: prefix.bytes)
        }
    }
}
