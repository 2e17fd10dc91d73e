/// What lies in a directory that is offered as a drive.
package enum DriveInspection: Hashable, Sendable {
    /// Empty, or nothing but `lost+found` and what an interrupted format left.
    case blank
    case formatted(DriveFileContents)
    /// Something that is not ours: never overwritten.
    case occupied(found: [String])
    /// A drive.json that cannot be read.
    case unreadable(what: String)
}

/// Makes a blank directory a drive, and says what a directory is.
package enum DriveFormat {
    package static let identityPath = "drive.json"
    static let temporaryPath = "drive.json.tmp"
    /// Names shown of a directory that is not ours.
    private static let namesShown = 8

    /// Reads, never writes.
    package static func inspect(_ io: any DriveIO) async throws(DriveError) -> DriveInspection {
        let names: [String]
        do { names = try await io.list("").sorted() } catch { throw .io(error) }
        guard names.contains(identityPath) else {
            let strange = names.filter { $0 != "lost+found" && $0 != temporaryPath }
            return strange.isEmpty ? .blank : .occupied(found: Array(strange.prefix(namesShown)))
        }
        let contents: [UInt8]
        do {
            let file = try await io.open(identityPath, .readOnly)
            contents = try await file.readWhole(limit: DriveFileContents.bytesMax + 1)
            await file.close()
        } catch { throw .io(error) }
        do {
            let parsed = try DriveFileContents(parsing: contents)
            guard parsed.version == DriveFileContents.version else {
                return .unreadable(what: "format version \(parsed.version)")
            }
            guard parsed.incompatible.isEmpty else {
                return .unreadable(what: "features \(parsed.incompatible.joined(separator: ", "))")
            }
            return .formatted(parsed)
        } catch {
            return .unreadable(what: error.what)
        }
    }

    /// Writes drive.json into a blank directory. The drive is formatted once this returns; its other files are made when it is
    /// first opened.
    package static func format(_ io: any DriveIO, as identity: DriveIdentity) async throws(DriveError) {
        switch try await inspect(io) {
        case .blank: break
        case .formatted(let contents): throw .foreignDrive(found: contents.identity)
        case .occupied(let found):
            throw .damagedFormat(what: "the directory is not blank: \(found.joined(separator: ", "))")
        case .unreadable(let what): throw .damagedFormat(what: "drive.json: \(what)")
        }
        do {
            let file = try await io.open(temporaryPath, .create)
            guard try file.tryLock() else {
                await file.close()
                throw DriveError.inUse
            }
            try await file.truncate(0)
            try await file.writeWhole(DriveFileContents(identity: identity).encode())
            try await io.rename(temporaryPath, to: identityPath)
            try await io.syncDirectory("")
            await file.close()
        } catch let error as DriveIOError {
            throw .io(error)
        } catch let error as DriveError {
            throw error
        } catch {
            throw .damagedFormat(what: "\(error)")
        }
    }

    /// Opens drive.json, checks that it is the drive that was asked for and locks it for the life of the file object.
    static func openLocked(_ io: any DriveIO, as identity: DriveIdentity) async throws(DriveError) -> any DriveFile {
        switch try await inspect(io) {
        case .formatted(let contents):
            guard contents.identity == identity else { throw .foreignDrive(found: contents.identity) }
        case .blank: throw .damagedFormat(what: "the directory is not formatted")
        case .occupied(let found): throw .damagedFormat(what: "no drive.json, but \(found.joined(separator: ", "))")
        case .unreadable(let what): throw .damagedFormat(what: "drive.json: \(what)")
        }
        let file: any DriveFile, locked: Bool
        do {
            file = try await io.open(identityPath, [])
            locked = try file.tryLock()
        } catch { throw .io(error) }
        guard locked else {
            await file.close()
            throw .inUse
        }
        return file
    }
}

extension DriveFile {
    /// All bytes of a small file, at most `limit`.
    func readWhole(limit: Int) async throws(DriveIOError) -> [UInt8] {
        let count = min(limit, Int(clamping: try await size()))
        return try await readBytes(count, at: 0)
    }

    /// Up to `count` bytes at `offset`, through memory of its own: for buffered files.
    func readBytes(_ count: Int, at offset: UInt64) async throws(DriveIOError) -> [UInt8] {
        guard count > 0 else { return [] }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
        defer { buffer.deallocate() }
        let got = try await read(into: buffer, at: offset)
        return [UInt8](buffer[..<got])
    }

    /// Writes a small file from its start and syncs it.
    func writeWhole(_ bytes: [UInt8]) async throws(DriveIOError) { try await writeBytesAndSync(bytes, at: 0) }

    func writeBytesAndSync(_ bytes: [UInt8], at offset: UInt64) async throws(DriveIOError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 4096)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: bytes)
        try await writeAndSync(UnsafeRawBufferPointer(start: buffer.baseAddress, count: bytes.count), at: offset)
    }
}
