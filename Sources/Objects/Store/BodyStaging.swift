import Base
import Digests
import ObjectFormat
import Runtime

/// A body that is durable on the drives, or in memory and about to be, and that no record names yet.
struct StagedBody {
    /// nil for zero bytes.
    var stager: (any DataStager)?
    var data: (any StagedData)?
    var digests: ComputedDigests

    var layout: DataLayout { data?.layout ?? .empty }

    func abandon() async { await stager?.abandon() }

    /// After a commit that failed: frees the data unless the commit may yet turn out to have happened.
    func abandon(after error: ObjectError) async {
        if case .outcomeUnknown = error { return }
        await abandon()
    }
}

/// A body in memory, read whole and verified: what is small crosses to the set's loop once, with its data.
struct SmallBody {
    static let byteCountMax = 64 << 10

    var buffer: BufferSlice?
    var digests: ComputedDigests

    /// Reads a body of at most `byteCountMax` on the caller's executor.
    init(reading body: any BodySource, count: Int, hasher: BodyHasher, buffers: BufferPool) async throws(ObjectError) {
        var hasher = hasher
        if count > 0 {
            let slice = buffers.take(count).slice(0, count)
            var filled = 0
            while filled < count {
                let target = UnsafeMutableRawBufferPointer(rebasing: slice.mutableBytes[filled...])
                let read = try await BodyStaging.read(body, into: target)
                guard read > 0 else { throw .sizeMismatch(expected: Int64(count), found: Int64(filled)) }
                filled += read
            }
            await hasher.update(slice.bytes)
            withExtendedLifetime(slice) {}
            buffer = slice
        }
        digests = hasher.finish()
        do { try await body.finish(digests) } catch { throw .body(error) }
    }

    /// Hands the bytes to the set. Called on the set's executor.
    func stage(on set: SetHandle) async throws(ObjectError) -> StagedBody {
        guard let buffer else { return StagedBody(digests: digests) }
        let stager = try await set.stage(hint: Int64(buffer.count))
        do {
            var offset = 0
            while offset < buffer.count {
                let target = try await stager.nextBuffer()
                let count = min(target.count, buffer.count - offset)
                target.mutableBytes.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: buffer.bytes[offset..<offset + count]))
                try await stager.filled(count)
                offset += count
            }
            return StagedBody(stager: stager, data: try await stager.finish(), digests: digests)
        } catch {
            await stager.abandon()
            throw ObjectError(error)
        }
    }
}

enum BodyStaging {
    static func read(_ body: any BodySource, into target: UnsafeMutableRawBufferPointer) async throws(ObjectError)
        -> Int
    {
        do { return try await body.read(into: target) } catch { throw .body(error) }
    }

    /// Streams a body of any length to the drives, hashing each strip between the socket and the stager, on the caller's executor.
    static func stage(
        _ body: any BodySource, on set: SetHandle, hasher: BodyHasher, sizeMax: Int64
    ) async throws(ObjectError) -> StagedBody {
        let stager = try await set.stage(hint: body.byteCount)
        do {
            return try await pump(body, into: stager, hasher: hasher, sizeMax: sizeMax)
        } catch {
            await stager.abandon()
            throw error
        }
    }

    /// Of one read. A large read halves what the kernel takes for each byte against one of 64 KiB, and the bytes still are in the
    /// second-level cache when they are hashed.
    private static let receiveBytes = 256 << 10

    private static func pump(
        _ body: any BodySource, into stager: any DataStager, hasher: BodyHasher, sizeMax: Int64
    ) async throws(ObjectError) -> StagedBody {
        var hasher = hasher
        var isAtEnd = body.byteCount == 0
        while !isAtEnd {
            let target: BufferSlice
            do { target = try await stager.nextBuffer() } catch { throw ObjectError(error) }
            var filled = 0
            while filled < target.count, !isAtEnd {
                let end = min(filled + receiveBytes, target.count)
                let strip = UnsafeMutableRawBufferPointer(rebasing: target.mutableBytes[filled..<end])
                let count = try await read(body, into: strip)
                await hasher.update(UnsafeRawBufferPointer(rebasing: strip[..<count]))
                filled += count
                guard hasher.byteCount <= sizeMax else { throw .entityTooLarge(size: hasher.byteCount, limit: sizeMax) }
                isAtEnd = count == 0 || hasher.byteCount == body.byteCount
            }
            withExtendedLifetime(target) {}
            guard filled > 0 else { break }
            do { try await stager.filled(filled) } catch { throw ObjectError(error) }
        }
        if let expected = body.byteCount, expected != hasher.byteCount {
            throw .sizeMismatch(expected: expected, found: hasher.byteCount)
        }
        let digests = hasher.finish()
        do { try await body.finish(digests) } catch { throw .body(error) }
        guard digests.byteCount > 0 else {
            await stager.abandon()
            return StagedBody(digests: digests)
        }
        do {
            return StagedBody(stager: stager, data: try await stager.finish(), digests: digests)
        } catch {
            throw ObjectError(error)
        }
    }
}
