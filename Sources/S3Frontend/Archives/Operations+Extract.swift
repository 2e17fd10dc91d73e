import Archives
import Base
import Digests
import ObjectFormat
import Objects
import S3Protocol

/// A tar archive that becomes objects as it arrives, one for each file in it: asked for with the metadata `snowball-auto-extract`.
/// Nothing of the archive itself is kept.
struct ArchiveExtraction: Sendable {
    /// Before every name.
    var prefix: [UInt8] = []
    var ignoresDirectories = false
    /// Go on after a file that can't be stored.
    var ignoresErrors = false

    /// As many as AWS takes.
    static let entriesMax = 100_000

    /// nil: the body is an object.
    init?(_ context: RequestContext) {
        guard context.header("x-amz-meta-snowball-auto-extract")?.lowercased() == "true" else { return nil }
        func option(_ plain: StaticString, _ minio: StaticString) -> String? {
            context.header(plain) ?? context.header(minio)
        }
        prefix = Array((option("x-amz-meta-snowball-prefix", "x-amz-meta-minio-snowball-prefix") ?? "").utf8)
        while prefix.first == UInt8(ascii: "/") { prefix.removeFirst() }
        if let last = prefix.last, last != UInt8(ascii: "/") { prefix.append(UInt8(ascii: "/")) }
        ignoresDirectories =
            option("x-amz-meta-snowball-ignore-dirs", "x-amz-meta-minio-snowball-ignore-dirs")?.lowercased() == "true"
        ignoresErrors =
            option("x-amz-meta-snowball-ignore-errors", "x-amz-meta-minio-snowball-ignore-errors")?.lowercased()
            == "true"
    }

    /// The key of an entry; nil for one that becomes no object.
    func key(of entry: TarEntry) -> [UInt8]? {
        if entry.isDirectory, ignoresDirectories { return nil }
        var name = entry.name[...]
        // Archivers name what they were given: "./a", "/a".
        while true {
            if name.first == UInt8(ascii: "/") {
                name = name.dropFirst()
            } else if name.starts(with: [UInt8(ascii: "."), UInt8(ascii: "/")]) {
                name = name.dropFirst(2)
            } else {
                break
            }
        }
        guard !name.isEmpty, !name.elementsEqual([UInt8(ascii: ".")]) else { return nil }
        var key = prefix + name
        if entry.isDirectory, key.last != UInt8(ascii: "/") { key.append(UInt8(ascii: "/")) }
        return key
    }
}

extension Operations {
    /// `options` say what all objects of the archive get; metadata of the request tell how to extract, and are nobody's.
    func extract(
        _ extraction: ArchiveExtraction, _ context: RequestContext, _ source: any UploadSource, _ options: PutOptions
    ) async throws(S3Error) -> Answer {
        let body = ExpandedBody(source)
        var common = options
        common.attributes.metadata = []
        common.attributes.headers = ContentHeaders()
        common.conditions = WriteConditions()
        common.checksum = nil
        common.wantsSHA256 = false
        var reader = TarReader(), count = 0
        reading: while true {
            let block = try await body.read(TarReader.blockBytes)
            // An archive that was cut between two files, or made by something that writes no end.
            if block.isEmpty { break }
            let step: TarReader.Step
            do throws(ArchiveError) { step = try reader.take(block) } catch { throw .badArchive(error) }
            switch step {
            case .end: break reading
            case .skip(let byteCount): try await body.skip((byteCount + 511) / 512 * 512)
            case .extended(let byteCount):
                let bytes = try await body.read(byteCount)
                guard bytes.count == byteCount else {
                    throw .badArchive(.malformed("the archive ends in the middle"))
                }
                do throws(ArchiveError) { try reader.extend(bytes) } catch { throw .badArchive(error) }
                try await body.skip(Int64((512 - byteCount % 512) % 512))
            case .entry(let entry):
                count += 1
                guard count <= ArchiveExtraction.entriesMax else {
                    throw .badArchive(.unsupported("more than \(ArchiveExtraction.entriesMax) files"))
                }
                let member = TarMemberBody(body, byteCount: entry.size)
                if let key = extraction.key(of: entry) {
                    do throws(S3Error) { try await store(member, as: key, common, context) } catch {
                        // What ends the body ends everything.
                        guard extraction.ignoresErrors, !member.isBroken else { throw error }
                    }
                }
                try await body.skip(member.left + Int64(entry.padding))
            }
        }
        let md5 = try await body.finish()
        return Answer(200).with("ETag", "\"\(Hex.encode(md5))\"")
    }

    private func store(
        _ body: TarMemberBody, as key: [UInt8], _ options: PutOptions, _ context: RequestContext
    ) async throws(S3Error) {
        try ObjectKeyRule.validate(key)
        guard String(validating: key, as: UTF8.self) != nil else { throw S3Error(.invalidURI) }
        try await authorizeWrite(of: key, context)
        guard body.left <= Self.singlePutBytesMax else {
            throw .entityTooLarge(proposed: body.left, limit: Self.singlePutBytesMax)
        }
        var named = context
        named.request.address.key = key
        let request = named
        _ = try await translating(request) { () async throws(ObjectError) in
            try await store.put(
                request.bucketOrEmpty, ObjectKey(key), tenant: request.tenant, options: options, body: body)
        }
    }
}

/// One file of the archive, as a body.
private final class TarMemberBody: BodySource {
    let byteCount: Int64?
    private let archive: ExpandedBody
    private(set) var left: Int64
    /// The archive itself can't be read further.
    private(set) var isBroken = false

    init(_ archive: ExpandedBody, byteCount: Int64) {
        self.archive = archive
        self.byteCount = byteCount
        left = byteCount
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int {
        guard left > 0 else { return 0 }
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), left))])
        do throws(S3Error) {
            let count = try await archive.read(into: room)
            guard count > 0 else { throw .badArchive(.malformed("the archive ends in the middle")) }
            left -= Int64(count)
            return count
        } catch {
            isBroken = true
            throw BodyError(error)
        }
    }

    func finish(_ digests: ComputedDigests) async throws(BodyError) {}
}
