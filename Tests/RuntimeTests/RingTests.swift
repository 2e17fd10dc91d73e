import Glibc
import Runtime
import Testing

/// An unnamed file: unlinked as soon as it is open.
private func temporaryFile() throws -> Int32 {
    var template = Array("/tmp/martlet-ring-XXXXXX".utf8CString)
    let descriptor = template.withUnsafeMutableBufferPointer { path in
        path.baseAddress.map { mkstemp($0) } ?? -1
    }
    try #require(descriptor >= 0)
    template.withUnsafeBufferPointer { path in
        if let path = path.baseAddress { _ = unlink(path) }
    }
    return descriptor
}

@Suite struct RingTests {
    /// A machine that forbids io_uring has nothing to test here, and says so.
    private func withRing(
        entries: Int = 512, _ body: @escaping @Sendable (Loop, Ring) async throws -> Void
    ) async throws {
        try await onLoop(LoopConfiguration(ringEntries: entries)) { loop in
            guard let ring = loop.ring else {
                #expect(loop.ringRefusal?.isEmpty == false)
                return
            }
            try await body(loop, ring)
        }
    }

    @Test func `a loop without a ring says why`() async throws {
        let loop = try Loop(configuration: LoopConfiguration(usesRing: false))
        #expect(loop.ring == nil)
        #expect(loop.ringRefusal == "io_uring is switched off by configuration")
        loop.stop()
    }

    @Test func `bytes written are read back, without a remote enqueue`() async throws {
        try await withRing { loop, ring in
            let file = try temporaryFile()
            let pool = BufferPool(), out = pool.take(4096), back = pool.take(4096)
            for index in 0..<4096 { out.bytes[index] = UInt8(truncatingIfNeeded: index &* 7) }
            let before = loop.enqueues.remote
            #expect(await ring.write(file, UnsafeRawBufferPointer(out.bytes), at: 8192) == 4096)
            #expect(await ring.sync(file) == 0)
            #expect(await ring.read(file, into: back.bytes, at: 8192) == 4096)
            #expect(loop.isCurrent)
            #expect(loop.enqueues.remote == before)
            #expect(back.bytes.elementsEqual(out.bytes))
            #expect(await ring.read(file, into: back.bytes, at: 1 << 20) == 0)
            #expect(await ring.allocate(file, mode: 0, offset: 0, count: 1 << 20) == 0)
            #expect(lseek(file, 0, SEEK_END) == 1 << 20)
            close(file)
        }
    }

    @Test func `an operation on a closed descriptor gives its error`() async throws {
        try await withRing { _, ring in
            let buffer = BufferPool().take(4096)
            #expect(await ring.read(-1, into: buffer.bytes, at: 0) == -EBADF)
        }
    }

    @Test func `a linked write and sync give both results`() async throws {
        try await withRing { _, ring in
            let file = try temporaryFile(), buffer = BufferPool().take(4096)
            buffer.bytes.initializeMemory(as: UInt8.self, repeating: 9)
            let bytes = UnsafeRawBufferPointer(buffer.bytes)
            #expect(await ring.writeAndSync(file, bytes, at: 0) == Ring.WriteAndSync(write: 4096, sync: 0))
            close(file)
        }
    }

    @Test func `a failed write cancels its sync and says both`() async throws {
        try await withRing { _, ring in
            let file = open("/dev/zero", O_RDONLY), buffer = BufferPool().take(4096)
            let result = await ring.writeAndSync(file, UnsafeRawBufferPointer(buffer.bytes), at: 0)
            #expect(result == Ring.WriteAndSync(write: -EBADF, sync: -ECANCELED))
            close(file)
        }
    }

    @Test func `more operations than the queues hold all complete, pairs whole`() async throws {
        try await withRing(entries: 4) { _, ring in
            let file = try temporaryFile(), pool = BufferPool()
            await withTaskGroup(of: Bool.self) { group in
                for index in 0..<300 {
                    group.addTask {
                        let buffer = pool.take(4096)
                        buffer.bytes.initializeMemory(as: UInt8.self, repeating: UInt8(index % 251))
                        let bytes = UnsafeRawBufferPointer(buffer.bytes), offset = UInt64(index) * 4096
                        if index % 3 == 0 {
                            return await ring.writeAndSync(file, bytes, at: offset) == .init(write: 4096, sync: 0)
                        }
                        return await ring.write(file, bytes, at: offset) == 4096
                    }
                }
                for await ok in group { #expect(ok) }
            }
            let buffer = pool.take(4096)
            for index in 0..<300 {
                #expect(await ring.read(file, into: buffer.bytes, at: UInt64(index) * 4096) == 4096)
                #expect(buffer.bytes.allSatisfy { $0 == UInt8(index % 251) })
            }
            close(file)
        }
    }
}
