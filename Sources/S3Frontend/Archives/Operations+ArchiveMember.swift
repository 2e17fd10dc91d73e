import Archives
import Base
import ObjectFormat
import Objects
import Runtime
import S3Protocol

/// GET and HEAD of a file inside a zip archive that is an object: `archive.zip/path`, with `x-minio-extract: true`. Only the archive's
/// directory and the file's own bytes are read.
struct ArchiveMemberName: Sendable {
    var archive: [UInt8]
    var member: [UInt8]

    /// nil: the request means the object of that name.
    init?(_ context: RequestContext) {
        guard context.header("x-minio-extract")?.lowercased() == "true",
            context.request.operation == .getObject || context.request.operation == .headObject
        else { return nil }
        let key = context.key, mark = Array(".zip/".utf8)
        guard key.count > mark.count,
            let at = (0...(key.count - mark.count)).first(where: { key[$0..<($0 + mark.count)].elementsEqual(mark) })
        else { return nil }
        archive = Array(key[..<(at + 4)])
        member = Array(key[(at + 5)...])
    }
}

extension Operations {
    /// Of a directory; archives of some 100,000 files have less.
    private static let directoryBytesMax: Int64 = 32 << 20

    func archiveMember(_ name: ArchiveMemberName, _ context: RequestContext) async throws(S3Error) -> Answer {
        var options = GetOptions()
        options.version = try context.versionID()
        options.conditions = Conditions.ofRead(context)
        let chosen = options
        let archive = try await translating(context) { () async throws(ObjectError) in
            try await store.head(
                context.bucketOrEmpty, ObjectKey(name.archive), tenant: context.tenant, options: chosen)
        }
        try await confirm(archive.object, context)
        let pieces = ArchivePieces(
            store: store, context: context, key: ObjectKey(name.archive), object: archive.object)
        guard let member = try await find(name.member, pieces) else { throw .noSuchKey(context.key) }
        guard !member.isEncrypted, [ZipMember.stored, ZipMember.deflated].contains(member.method) else {
            throw .badArchive(.unsupported("the file is encrypted, or compressed by another method than deflate"))
        }
        var range = 0..<member.size, isPartial = false
        if let wanted = context.header("range").flatMap({ RangeHeader.parse($0) }) {
            range = try Self.range(wanted, of: member.size, context)
            isPartial = true
        }
        let count = range.upperBound - range.lowerBound
        var answer = Answer(isPartial ? 206 : 200, body: .withheld(count: count))
        answer.set("ETag", "\"\(archive.object.etag)\"")
        answer.set("Last-Modified", HTTPDate.format(archive.object.lastModified))
        answer.set("Accept-Ranges", "bytes")
        answer.set("Content-Type", context.target.string("response-content-type") ?? "application/octet-stream")
        answer.setVersion(archive.object.version, in: try bucket(context))
        if isPartial {
            answer.set("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(member.size)")
        }
        guard context.request.operation == .getObject else { return answer }
        answer.body = .expanded(try await pieces.open(member, range), count: count)
        return answer
    }

    private func find(_ name: [UInt8], _ pieces: ArchivePieces) async throws(S3Error) -> ZipMember? {
        let size = pieces.object.size, tailBytes = min(size, Int64(ZipDirectory.tailBytes))
        let tail = try await pieces.read(size - tailBytes, tailBytes)
        do throws(ArchiveError) {
            let place = try ZipDirectory.place(tail: tail, fileBytes: size)
            guard place.byteCount <= Self.directoryBytesMax else {
                throw .unsupported("a directory of \(place.byteCount) bytes")
            }
            let directory: [UInt8]
            do throws(S3Error) { directory = try await pieces.read(place.offset, place.byteCount) } catch {
                throw .malformed(error.message)
            }
            var found: ZipMember?
            try ZipDirectory.members(directory) { member in
                if member.name == name { found = member }
                return found == nil
            }
            return found
        } catch { throw .badArchive(error) }
    }

    private static func range(
        _ wanted: RangeHeader.Spec, of size: Int64, _ context: RequestContext
    ) throws(S3Error) -> Range<Int64> {
        let found: Range<Int64>
        switch wanted {
        case .from(let first, let last):
            found = min(first, size)..<(last >= size - 1 ? size : max(last + 1, min(first, size)))
        case .suffix(let count): found = max(0, size - count)..<size
        }
        guard !found.isEmpty else {
            throw .invalidRange(requested: context.header("range") ?? "", size: size)
        }
        return found
    }
}

/// Reads of pieces of one archive, all of the version that was looked at first.
struct ArchivePieces {
    let store: ObjectStore
    let context: RequestContext
    let key: ObjectKey
    let object: ObjectInfo

    func read(_ offset: Int64, _ count: Int64) async throws(S3Error) -> [UInt8] {
        guard count > 0 else { return [] }
        let reader = try await open(offset, count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(count))
        let outcome: Result<Void, ObjectError>
        do throws(ObjectError) {
            while let slice = try await reader.next() {
                bytes.append(contentsOf: slice.bytes)
                withExtendedLifetime(slice) {}
            }
            outcome = .success(())
        } catch { outcome = .failure(error) }
        await reader.close()
        try await translating(context) { () async throws(ObjectError) in try outcome.get() }
        guard bytes.count == Int(count) else { throw .badArchive(.malformed("it is shorter than it says")) }
        return bytes
    }

    func open(_ member: ZipMember, _ range: Range<Int64>) async throws(S3Error) -> ExpandedMember {
        guard member.headerOffset <= object.size - Int64(ZipDirectory.localHeaderBytes) else {
            throw .badArchive(.malformed("a file lies outside of the archive"))
        }
        let header = try await read(member.headerOffset, Int64(ZipDirectory.localHeaderBytes))
        do throws(ArchiveError) {
            let offset = member.headerOffset + (try ZipDirectory.dataOffset(localHeader: header))
            guard member.storedSize <= object.size - offset else {
                throw .malformed("a file lies outside of the archive")
            }
            let isStored = member.method == ZipMember.stored
            guard !isStored || member.storedSize == member.size else { throw .malformed("two sizes of one file") }
            let decoder = try Decoder(isStored ? .none : .deflate)
            let first = isStored ? range.lowerBound : 0
            var reader: ObjectReader?
            if member.storedSize - first > 0 {
                do throws(S3Error) { reader = try await open(offset + first, member.storedSize - first) } catch {
                    throw .malformed(error.message)
                }
            }
            return ExpandedMember(
                reader, decoder, skipping: range.lowerBound - first, count: range.upperBound - range.lowerBound)
        } catch { throw .badArchive(error) }
    }

    private func open(_ offset: Int64, _ count: Int64) async throws(S3Error) -> ObjectReader {
        var options = GetOptions()
        options.selection = .from(offset, to: offset + count - 1)
        if case .id = object.version { options.version = object.version }
        options.conditions.ifMatch = .tags([object.etag])
        let chosen = options
        return try await translating(context) { () async throws(ObjectError) in
            try await store.get(context.bucketOrEmpty, key, tenant: context.tenant, options: chosen)
        }.reader
    }
}

/// The bytes of one file of an archive, expanded as they are sent.
final class ExpandedMember {
    private let reader: ObjectReader?
    private let decoder: Decoder
    private var input: [UInt8] = []
    private var used = 0
    private var toSkip: Int64
    private var left: Int64

    init(_ reader: ObjectReader?, _ decoder: Decoder, skipping: Int64, count: Int64) {
        self.reader = reader
        self.decoder = decoder
        toSkip = skipping
        left = count
    }

    /// Fills a prefix of the buffer; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        while left > 0 {
            if used == input.count {
                input = []
                used = 0
                if let slice = try await reader?.next() {
                    input = Array(slice.bytes)
                    withExtendedLifetime(slice) {}
                }
            }
            let wanted = toSkip > 0 ? toSkip : left
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), wanted))])
            let (taken, made) = try input.withUnsafeBytes { bytes throws(ArchiveError) in
                try decoder.decode(UnsafeRawBufferPointer(rebasing: bytes[used...]), into: room)
            }
            used += taken
            if taken == 0, made == 0, input.isEmpty { throw ArchiveError.malformed("the file ends early") }
            if toSkip > 0 {
                toSkip -= Int64(made)
            } else if made > 0 {
                left -= Int64(made)
                return made
            }
        }
        return 0
    }

    func close() async { await reader?.close() }
}
