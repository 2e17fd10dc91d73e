import Base
import Digests
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func listObjectsV2(_ context: RequestContext) async throws(S3Error) -> Answer {
        let region = try bucket(context).region
        let query = try ListObjectsV2Query(context.target)
        let page = try await page(context, query.scope, from: ListStart(try query.position()))
        let result = ListObjectsResult(
            bucket: context.bucketOrEmpty, scope: query.scope,
            version: .two(startAfter: query.startAfter, continuationToken: query.continuationToken),
            objects: [], commonPrefixes: page.commonPrefixes, next: page.next.flatMap(ContinuationToken.init))
        return document(result, page, context, withOwner: query.fetchOwner).with("x-amz-bucket-region", region)
    }

    func listObjects(_ context: RequestContext) async throws(S3Error) -> Answer {
        let region = try bucket(context).region
        let query = try ListObjectsQuery(context.target)
        let start: ListStart = query.marker.isEmpty ? .beginning : .marker(ObjectKey(query.marker))
        let page = try await page(context, query.scope, from: start)
        // The next marker is the last entry, a common prefix as it is shown.
        let last = page.next == nil ? nil : page.entries.last.map(\.name)
        let result = ListObjectsResult(
            bucket: context.bucketOrEmpty, scope: query.scope, version: .one(marker: query.marker),
            objects: [], commonPrefixes: page.commonPrefixes, next: last.map { ContinuationToken(after: $0) })
        return document(result, page, context, withOwner: true).with("x-amz-bucket-region", region)
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

    private func document(
        _ result: ListObjectsResult, _ page: ListResult, _ context: RequestContext, withOwner: Bool
    ) -> Answer {
        let objects = page.entries.count - result.commonPrefixes.count
        return .xml(
            result.document(objectCount: objects) { writer in
                write(page, context, urlEncoded: result.scope.urlEncoded, withOwner: withOwner, to: &writer)
            })
    }

    /// Straight from the pages of the index into the document.
    private func write(
        _ page: ListResult, _ context: RequestContext, urlEncoded: Bool, withOwner: Bool, to writer: inout XMLWriter
    ) {
        for case .object(let object) in page.entries {
            writer.open("Contents")
            object.withBytes { key, etag in
                if urlEncoded {
                    writer.key("Key", Array(key), urlEncoded: true)
                } else {
                    writer.element("Key", raw: key)
                }
                writer.element("LastModified", time: object.lastModified)
                writer.quoted("ETag", raw: etag)
            }
            if let checksum = object.checksum {
                writer.element("ChecksumAlgorithm", checksum.algorithm.name)
                writer.element("ChecksumType", S3Protocol.ChecksumType(checksum.type).rawValue)
            }
            writer.element("Size", object.size)
            if withOwner { writer.owner("Owner", owner(object.owner, context)) }
            writer.element("StorageClass", S3Protocol.StorageClass(object.storageClass).rawValue)
            writer.close("Contents")
        }
    }

    /// Who began an upload: an account by its canonical id, a user or session by its ARN and name.
    func initiator(_ id: String, _ context: RequestContext) -> OwnerElement {
        if id.hasPrefix("arn:") {
            return OwnerElement(id: id, displayName: id.split(separator: "/").last.map(String.init))
        }
        guard !id.isEmpty else { return owner("", context) }
        return OwnerElement(id: id, displayName: accounts.account(canonicalID: id)?.displayName)
    }

    /// Whom a listing names as the owner of something: the writer, or the bucket's owner where everything in it is his.
    func owner(_ id: String, _ context: RequestContext) -> OwnerElement {
        var shown = id
        // Gone meanwhile: then the writer is all that is known.
        if !context.bucketOrEmpty.isEmpty, let info = try? bucket(context) {
            shown = shownOwner(id, info)
        }
        if shown.isEmpty { shown = context.signer.canonicalID }
        if shown == context.signer.canonicalID {
            return OwnerElement(id: shown, displayName: context.signer.displayName)
        }
        return OwnerElement(id: shown, displayName: accounts.account(canonicalID: shown)?.displayName)
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
