import Drives
import Glibc
import Runtime
import Testing

/// What every `DriveIO` must do, whatever is below it. Each check starts in an empty drive directory.
struct DriveIOCompatibility {
    let io: any DriveIO
    let pool = LogHarness.sharedPool

    typealias Check = @Sendable (DriveIOCompatibility) async throws -> Void

    static let checks: [(name: String, check: Check)] = [
        ("names", { try await $0.names() }),
        ("opening", { try await $0.opening() }),
        ("reading and writing", { try await $0.readingAndWriting() }),
        ("direct files", { try await $0.directFiles() }),
        ("sizes", { try await $0.sizes() }),
        ("locks", { try await $0.locks() }),
        ("closing", { try await $0.closing() }),
        ("many at once", { try await $0.manyAtOnce() }),
    ]

    private func block(_ value: UInt8, count: Int = 4096) -> BufferSlice {
        let slice = pool.take(count).slice(0, count)
        slice.mutableBytes.copyBytes(from: repeatElement(value, count: count))
        return slice
    }

    /// Keeps the buffer alive until the call has returned, as every caller must.
    private func write(
        _ file: any DriveFile, _ slice: BufferSlice, at offset: UInt64, syncs: Bool = false
    ) async throws(DriveIOError) {
        defer { withExtendedLifetime(slice) {} }
        if syncs {
            try await file.writeAndSync(slice.bytes, at: offset)
        } else {
            try await file.write(slice.bytes, at: offset)
        }
    }

    private func read(_ file: any DriveFile, at offset: UInt64, _ count: Int) async throws -> [UInt8] {
        let buffer = pool.take(max(count, 1)).slice(0, count)
        defer { withExtendedLifetime(buffer) {} }
        let read = try await file.read(into: buffer.mutableBytes, at: offset)
        return [UInt8](buffer.bytes[..<read])
    }

    private func names() async throws {
        #expect(try await io.list("").isEmpty)
        await #expect(throws: DriveIOError.notFound(path: "none")) { _ = try await io.list("none") }
        try await io.makeDirectory("a/b")
        try await io.makeDirectory("a/b")
        try await io.makeDirectory("")
        for name in ["a/one", "a/two"] {
            let file = try await io.open(name, [.create])
            try await write(file, block(name == "a/one" ? 1 : 2), at: 0)
            await file.close()
        }
        #expect(try await io.list("a").sorted() == ["b", "one", "two"])
        try await io.rename("a/one", to: "a/two")
        #expect(try await io.list("a").sorted() == ["b", "two"])
        let two = try await io.open("a/two", [])
        #expect(try await read(two, at: 0, 1) == [1])
        await two.close()
        await #expect(throws: DriveIOError.notFound(path: "a/one")) { try await io.rename("a/one", to: "a/three") }
        try await io.remove("a/two")
        await #expect(throws: DriveIOError.notFound(path: "a/two")) { try await io.remove("a/two") }
        try await io.syncDirectory("a")
        try await io.syncDirectory("")
        await #expect(throws: DriveIOError.notFound(path: "none")) { try await io.syncDirectory("none") }
        let space = try await io.space()
        #expect(space.totalBytes >= space.freeBytes && space.freeBytes > 0)
    }

    private func opening() async throws {
        await #expect(throws: DriveIOError.notFound(path: "f")) { _ = try await io.open("f", []) }
        await #expect(throws: DriveIOError.notFound(path: "none/f")) { _ = try await io.open("none/f", [.create]) }
        let first = try await io.open("f", [.create, .exclusive])
        #expect(first.path == "f")
        await #expect(throws: DriveIOError.exists(path: "f")) { _ = try await io.open("f", [.create, .exclusive]) }
        await #expect(throws: DriveIOError.exists(path: "f")) {
            _ = try await io.open("f", [.create, .exclusive, .direct])
        }
        let direct = try await io.open("g", [.create, .exclusive, .direct])
        let again = try await io.open("f", [.create])
        let readOnly = try await io.open("f", [.readOnly])
        await #expect(throws: DriveIOError.self) { try await write(readOnly, block(1), at: 0) }
        for file in [first, direct, again, readOnly] { await file.close() }
    }

    private func readingAndWriting() async throws {
        let file = try await io.open("f", [.create])
        #expect(try await read(file, at: 0, 100) == [])
        try await write(file, block(7, count: 10_000), at: 5)
        try await write(file, block(9, count: 100), at: 100, syncs: true)
        try await file.sync()
        #expect(try await file.size() == 10_005)
        let all = try await read(file, at: 0, 20_000)
        #expect(all.count == 10_005)
        #expect(all[..<5].allSatisfy { $0 == 0 })
        #expect(all[100..<200].allSatisfy { $0 == 9 } && all[200...].allSatisfy { $0 == 7 })
        #expect(try await read(file, at: 10_000, 100).count == 5)
        #expect(try await read(file, at: 50_000, 100) == [])
        await file.close()
    }

    private func directFiles() async throws {
        let file = try await io.open("f", [.create, .direct])
        try await file.allocate(64 << 10)
        for index in 0..<16 as Range<UInt64> {
            try await write(file, block(UInt8(index + 1)), at: index * 4096, syncs: true)
        }
        let all = try await read(file, at: 0, 1 << 20)
        #expect(all.count == 64 << 10)
        #expect((0..<16).allSatisfy { all[$0 * 4096] == UInt8($0 + 1) })
        // What is not aligned is refused or written, as the file system likes; it does not cost the file its directness.
        let wasDirect = file.isDirect
        do { try await write(file, block(1, count: 8192).slice(100, 4096), at: 0) } catch {
            guard case .system(_, "f", EINVAL) = error else { throw error }
        }
        #expect(file.isDirect == wasDirect)
        await file.close()
    }

    private func sizes() async throws {
        let file = try await io.open("f", [.create])
        try await file.allocate(100_000)
        #expect(try await file.size() == 100_000)
        try await file.allocate(50_000)
        #expect(try await file.size() == 100_000)
        #expect(try await read(file, at: 99_990, 100) == [UInt8](repeating: 0, count: 10))
        try await write(file, block(5), at: 0)
        try await file.truncate(10)
        #expect(try await file.size() == 10)
        try await file.truncate(20)
        #expect(try await read(file, at: 0, 100) == [UInt8](repeating: 5, count: 10) + [UInt8](repeating: 0, count: 10))
        await file.close()
    }

    private func locks() async throws {
        let first = try await io.open("lock", [.create]), second = try await io.open("lock", [])
        #expect(try first.tryLock())
        #expect(try !second.tryLock())
        await first.close()
        #expect(try second.tryLock())
        await second.close()
    }

    private func closing() async throws {
        let file = try await io.open("f", [.create])
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<8 as Range<UInt64> {
                group.addTask { try? await write(file, block(1), at: index * 4096) }
            }
            group.addTask {
                await file.close()
                await file.close()
            }
        }
        await #expect(throws: DriveIOError.self) { try await file.sync() }
        await #expect(throws: DriveIOError.self) { _ = try await file.size() }
    }

    private func manyAtOnce() async throws {
        let file = try await io.open("f", [.create, .direct])
        try await file.allocate(256 << 12)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<256 {
                group.addTask { try await write(file, block(UInt8(index)), at: UInt64(index) << 12) }
            }
            try await group.waitForAll()
        }
        try await file.sync()
        let wrong = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<256 {
                group.addTask {
                    let expected = block(UInt8(index))
                    // The buffer lives as long as its bytes are looked at.
                    defer { withExtendedLifetime(expected) {} }
                    return try await read(file, at: UInt64(index) << 12, 4096) != [UInt8](expected.bytes)
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wrong == 0)
        await file.close()
    }
}

extension BufferSlice {
    func slice(_ offset: Int, _ count: Int) -> BufferSlice { buffer.slice(start + offset, count) }
}
