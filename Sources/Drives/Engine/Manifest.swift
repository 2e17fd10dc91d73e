import Base
import Digests

/// The drive's checkpoint: a log of edits in MANIFEST-N, named by CURRENT. Docs/formats/manifest.md.
///
/// Used on the drive's executor only; edits are written one at a time, in order of arrival. A start never appends to a file that
/// it recovered: it writes the state that it found as the first edit of a new file and switches CURRENT to it.
///
/// INVARIANT: `state` is what the synced edits say once the first `roll` has returned. It changes only after an edit is durable.
package final class Manifest {
    static let currentPath = "CURRENT"
    static let magic: UInt64 = 0x3146_494E_414D_4C54  // "TLMANIF1" read little-endian
    static let version: UInt32 = 1
    static let headerBytes = 64
    static let editHeaderBytes = 32
    /// Larger edits are damage: an edit holds at most the pages of every data segment, run-length coded.
    static let editBytesMax = 256 << 20

    private let io: any DriveIO
    private let gate = Gate()
    private var file: (any DriveFile)?
    private var number: UInt64 = 0
    private var end: UInt64 = 0
    private var sequence: UInt64 = 0
    private var baseBytes: UInt64 = 0
    package private(set) var state = ManifestState()
    /// CURRENT could not be read, and the newest file was taken in its place.
    private(set) var lostItsName = false
    /// What lies behind the last good edit: torn by a power cut, and then cut short, or damaged.
    private(set) var unreadEnd: (path: String, offset: Int, isWhole: Bool)?

    package init(io: any DriveIO) { self.io = io }

    static func path(_ number: UInt64) -> String {
        let digits = String(number)
        return "MANIFEST-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    // MARK: Start

    /// Reads what CURRENT names, or starts from nothing on a drive that was never opened, and begins a new file.
    package func open() async throws(DriveError) {
        guard let named = try await readCurrent() else { return }
        number = named
        if try await !names().contains(Self.path(named)) { number = try await newest() }
        try await replay()
        // Stored with the whole state by the roll that follows: its new name would hide what happened to the old one.
        if lostItsName { state.apply(.damaged(true)) }
    }

    /// Writes the state as a new file and makes CURRENT name it. Files that CURRENT does not name are removed.
    package func roll() async throws(DriveError) {
        await gate.enter()
        defer { gate.leave() }
        let old = file, next = try await nextNumber()
        do {
            let path = Self.path(next)
            let file = try await io.open(path, .create)
            try await file.truncate(0)
            let body = Self.body(state.facts)
            let bytes = Self.header(number: next) + Self.edit(body, sequence: 1, number: next)
            try await file.writeBytesAndSync(bytes, at: 0)
            // The name must be durable before CURRENT can be: a power cut keeps any subset of name changes that are not synced.
            try await io.syncDirectory("")
            let temporary = Self.currentPath + ".tmp"
            let current = try await io.open(temporary, .create)
            try await current.truncate(0)
            try await current.writeWhole(Array((path + "\n").utf8))
            await current.close()
            try await io.rename(temporary, to: Self.currentPath)
            try await io.syncDirectory("")
            (self.file, number, end, sequence) = (file, next, UInt64(bytes.count), 1)
            baseBytes = end
            await old?.close()
            try await removeOthers(than: path)
        } catch { throw .io(error) }
    }

    package func close() async {
        await file?.close()
        file = nil
    }

    package var fileBytes: UInt64 { end }
    /// Bytes of edits since the state was written whole, and of the state itself.
    package var editedBytes: UInt64 { end - baseBytes }
    package var wholeBytes: UInt64 { baseBytes }

    // MARK: Edits

    /// Makes the facts true, durably and in one step.
    package func append(_ facts: [ManifestFact]) async throws(DriveError) {
        await gate.enter()
        defer { gate.leave() }
        guard let file else { throw .shutDown }
        let bytes = Self.edit(Self.body(facts), sequence: sequence + 1, number: number)
        do { try await file.writeBytesAndSync(bytes, at: end) } catch { throw .io(error) }
        sequence += 1
        end += UInt64(bytes.count)
        for fact in facts { state.apply(fact) }
    }

    private static func body(_ facts: [ManifestFact]) -> [UInt8] {
        var writer = FieldWriter(reserving: 4096)
        for fact in facts { fact.encode(to: &writer) }
        return writer.bytes
    }

    private static func header(number: UInt64) -> [UInt8] {
        var writer = FieldWriter(reserving: headerBytes)
        writer.fixed(magic)
        writer.fixed(version)
        writer.fixed(UInt32(0))  // incompatible features
        writer.fixed(UInt32(0))  // compatible features
        writer.fixed(UInt32(0))
        writer.fixed(number)
        writer.raw(Array(repeating: 0, count: headerBytes - 8 - writer.bytes.count))
        writer.fixed(checksum(writer.bytes, seed: 0))
        return writer.bytes
    }

    /// Length, sequence, checksum of the body, checksum of this header; the body; zeros up to a multiple of eight.
    private static func edit(_ body: [UInt8], sequence: UInt64, number: UInt64) -> [UInt8] {
        var writer = FieldWriter(reserving: editHeaderBytes + body.count + 8)
        writer.fixed(UInt64(body.count))
        writer.fixed(sequence)
        writer.fixed(checksum(body, seed: number))
        writer.fixed(checksum(writer.bytes, seed: number))
        writer.raw(body)
        writer.raw(Array(repeating: 0, count: (8 - body.count % 8) % 8))
        return writer.bytes
    }

    /// Seeded with the file's number: an edit of another manifest never passes.
    private static func checksum(_ bytes: [UInt8], seed: UInt64) -> UInt64 { BlockChecksum.of(bytes, seed: seed) }

    // MARK: Replay

    private func readCurrent() async throws(DriveError) -> UInt64? {
        let bytes: [UInt8]
        do {
            let file = try await io.open(Self.currentPath, .readOnly)
            bytes = try await file.readWhole(limit: 64)
            await file.close()
        } catch {
            guard case .notFound = error else { throw .io(error) }
            try await checkNeverOpened()
            return nil
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix("MANIFEST-"), text.hasSuffix("\n"),
            let number = UInt64(text.dropFirst("MANIFEST-".count).dropLast()), Self.path(number) + "\n" == text
        else { return try await newest() }
        return number
    }

    /// CURRENT is damaged: there is one manifest, or a second one that a start had begun. Nothing is added to an old one once a
    /// new one is begun, whose first edit is the whole of what the old one says, so the newest that is whole holds everything.
    /// The drive counts as damaged all the same and is compared with the others.
    private func newest() async throws(DriveError) -> UInt64 {
        for number in try await numbers().sorted(by: >) where try await isWhole(number) {
            lostItsName = true
            return number
        }
        throw .damagedFormat(what: "CURRENT")
    }

    private func isWhole(_ number: UInt64) async throws(DriveError) -> Bool {
        let reader = Manifest(io: io)
        reader.number = number
        do throws(DriveError) { try await reader.replay() } catch {
            guard case .damagedFormat = error else { throw error }
            return false
        }
        return true
    }

    /// Only a drive that was never opened has no CURRENT, which is replaced by rename and never removed; and the log begins after it.
    private func checkNeverOpened() async throws(DriveError) {
        let names: [String]
        do { names = try await io.list("log") } catch {
            guard case .notFound = error else { throw .io(error) }
            return
        }
        guard let segment = names.filter({ $0.hasSuffix(".seg") }).min() else { return }
        throw .damagedFormat(what: "no CURRENT, but log/\(segment) is there")
    }

    private func replay() async throws(DriveError) {
        let path = Self.path(number)
        let bytes: [UInt8]
        do {
            let file = try await io.open(path, .readOnly)
            bytes = try await file.readWhole(limit: .max)
            await file.close()
        } catch { throw .io(error) }
        guard bytes.count >= Self.headerBytes, Array(bytes[..<Self.headerBytes]) == Self.header(number: number) else {
            throw .damagedFormat(what: "\(path): header")
        }
        var offset = Self.headerBytes
        while let edit = parse(bytes, at: offset, sequence: sequence + 1) {
            do throws(MalformedField) {
                for fact in try Self.facts(edit.body) { state.apply(fact) }
            } catch {
                throw .damagedFormat(what: "\(path): edit \(sequence + 1): \(error.what)")
            }
            sequence += 1
            offset = edit.end
        }
        // An edit is written when the one before it is synced: only the last one can be torn, and then nothing valid follows.
        guard sequence > 0, !hasLaterEdit(bytes, after: offset) else {
            throw .damagedFormat(what: "\(path): edit \(sequence + 1)")
        }
        if offset < bytes.count, bytes[offset...].contains(where: { $0 != 0 }) {
            let length = editHeader(bytes, at: offset)?.length ?? 0
            unreadEnd = (path, offset, bytes.count - offset >= Self.editHeaderBytes + length)
        }
    }

    private func parse(_ bytes: [UInt8], at offset: Int, sequence: UInt64) -> (body: [UInt8], end: Int)? {
        guard let header = editHeader(bytes, at: offset), header.sequence == sequence,
            bytes.count - offset - Self.editHeaderBytes >= header.length
        else { return nil }
        let start = offset + Self.editHeaderBytes
        let body = Array(bytes[start..<start + header.length])
        guard Self.checksum(body, seed: number) == header.bodyChecksum else { return nil }
        return (body, start + header.length + (8 - header.length % 8) % 8)
    }

    private func editHeader(
        _ bytes: [UInt8], at offset: Int
    ) -> (length: Int, sequence: UInt64, bodyChecksum: UInt64)? {
        guard offset >= 0, bytes.count - offset >= Self.editHeaderBytes else { return nil }
        let fields = bytes.withUnsafeBytes { raw in
            (0..<4).map { UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset + $0 * 8, as: UInt64.self)) }
        }
        guard fields[0] <= UInt64(Self.editBytesMax),
            Self.checksum(Array(bytes[offset..<offset + 24]), seed: number) == fields[3]
        else { return nil }
        return (Int(fields[0]), fields[1], fields[2])
    }

    private func hasLaterEdit(_ bytes: [UInt8], after offset: Int) -> Bool {
        var offset = offset + 8
        while bytes.count - offset >= Self.editHeaderBytes {
            if let header = editHeader(bytes, at: offset), header.sequence > sequence,
                parse(bytes, at: offset, sequence: header.sequence) != nil
            {
                return true
            }
            offset += 8
        }
        return false
    }

    private static func facts(_ body: [UInt8]) throws(MalformedField) -> [ManifestFact] {
        try body.read { (reader) throws(MalformedField) in
            var facts: [ManifestFact] = []
            while !reader.isAtEnd { facts.append(try ManifestFact.decode(from: &reader)) }
            return facts
        }
    }

    // MARK: Files

    private func names() async throws(DriveError) -> [String] {
        do { return try await io.list("").sorted() } catch { throw .io(error) }
    }

    private func nextNumber() async throws(DriveError) -> UInt64 {
        max(number, try await numbers().max() ?? 0) + 1
    }

    private func numbers() async throws(DriveError) -> [UInt64] {
        try await names().compactMap { name in
            name.hasPrefix("MANIFEST-") ? UInt64(name.dropFirst("MANIFEST-".count)) : nil
        }
    }

    private func removeOthers(than path: String) async throws(DriveIOError) {
        for name in try await io.list("").sorted() where name.hasPrefix("MANIFEST-") && name != path {
            try await io.remove(name)
        }
    }
}
