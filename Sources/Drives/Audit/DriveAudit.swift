import Base
package import Runtime

/// Reads everything of a drive that nobody uses and compares it: every checksum of manifest, log, tables, packed data and extents, and the
/// allocator against the index. Writes nothing, so that what it looks at stays as it was found.
///
/// The manifest is what the last flush stored; tables and allocator agree with it exactly. What the log has beyond it may change rows and
/// reuse space, so rows that it touches are judged by the log alone.
///
/// Used on one executor.
package final class DriveAudit {
    /// One read of data or tables.
    static let readBytes = 1 << 20

    let io: any DriveIO
    let pool: BufferPool
    let layout: any ExtentLayout
    let listener: (AuditProgress) -> Void
    var report = AuditReport()
    var progress = AuditProgress(phase: .log, doneBytes: 0, totalBytes: 0)

    /// What the unflushed log changes: keys, and pages of data segments that its records name.
    var changedKeys: Set<IndexKey> = []
    var changedPages: [UInt32: PageBits] = [:]
    /// Rows with extents of the unflushed log, in its order.
    var changedRows: [IndexEntry] = []
    /// Segments of the log that are there and whose header is whole.
    var segments: Set<UInt32> = []
    var openSegments: [UInt32: any DriveFile] = [:]
    var openData: (number: UInt32, file: any DriveFile)?
    /// Packed pieces that wait to be read in the order in which they lie.
    var packed: [(key: IndexKey, location: PackedLocation)] = []

    package init(
        io: any DriveIO, pool: BufferPool, layout: any ExtentLayout, listener: @escaping (AuditProgress) -> Void
    ) {
        self.io = io
        self.pool = pool
        self.layout = layout
        self.listener = listener
    }

    /// Throws `.inUse` while a server has the drive, and `.io` when its directory can't be read at all.
    package func run() async throws(DriveError) -> AuditReport {
        switch try await DriveFormat.inspect(io) {
        case .formatted(let contents): report.identity = contents.identity
        case .blank:
            report.add(.identity, DriveFormat.identityPath, "", "the directory is blank: not formatted as a drive yet")
            return report
        case .occupied(let found):
            report.add(
                .identity, DriveFormat.identityPath, "",
                "not a Martlet drive: there is no drive.json, but \(found.joined(separator: ", "))")
            return report
        case .unreadable(let what):
            report.add(.identity, DriveFormat.identityPath, "", what)
            return report
        }
        let lock = try await lockedIdentity()
        let manifest = Manifest(io: io)
        var state: ManifestState?
        do throws(DriveError) {
            try await manifest.open()
            state = manifest.state
        } catch { note(error, .manifest, Manifest.currentPath, "") }
        if manifest.lostItsName {
            report.add(
                .manifest, Manifest.currentPath, "",
                "does not name a manifest; the newest whole one holds, and the next start counts the drive as damaged")
        }
        if let end = manifest.unreadEnd {
            let what =
                end.isWhole
                ? "an edit behind the last good one does not match its checksum"
                : "an edit is cut short, as a power cut leaves it"
            report.add(end.isWhole ? .manifest : .tornEnd, end.path, "byte \(end.offset)", what)
        }
        report.isRebuilding = state?.isRebuilding ?? false
        report.isMarkedDamaged = state?.isDamaged ?? false
        await measure(state)
        await auditLog(state)
        if let state {
            let isIndexWhole = await auditTables(state)
            if isIndexWhole { await auditRows(state) }
        }
        await closeFiles()
        await lock.close()
        return report
    }

    private func lockedIdentity() async throws(DriveError) -> any DriveFile {
        do {
            let file = try await io.open(DriveFormat.identityPath, .readOnly)
            guard try file.tryLock() else {
                await file.close()
                throw DriveError.inUse
            }
            return file
        } catch let error as DriveIOError {
            throw .io(error)
        } catch {
            throw .inUse
        }
    }

    /// What there is to read, as far as it is known beforehand.
    private func measure(_ state: ManifestState?) async {
        var total: UInt64 = 0
        if let names = try? await io.list(LogFormat.directory) {
            for name in names.sorted() {
                guard case .segment(let number) = LogFormat.parse(name) else { continue }
                guard let file = try? await io.open(LogFormat.segmentPath(number), .readOnly) else { continue }
                total += (try? await file.size()) ?? 0
                await file.close()
            }
        }
        if let state {
            total += 2 * state.tables.values.reduce(0) { $0 + $1.fileBytes }
            total += state.livePacked.reduce(0) { $0 + $1.bytes }
            let pages = state.allocation.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
            total += UInt64(pages * ExtentAllocator.pageBytes)
        }
        progress.totalBytes = total
    }

    // MARK: Small things

    func did(_ phase: AuditProgress.Phase, _ bytes: Int) {
        progress.phase = phase
        progress.doneBytes += UInt64(bytes)
        report.checkedBytes += UInt64(bytes)
        listener(progress)
    }

    /// An error of a read, as damage of the file that was read.
    func note(
        _ error: DriveError, _ kind: AuditReport.Damage.Kind, _ file: String, _ place: String, key: IndexKey? = nil
    ) {
        switch error {
        case .checksumMismatch(let what), .damagedFormat(let what): report.add(kind, file, place, what, key: key)
        case .io(.notFound(let path)): report.add(.missing, path, "", "the file is gone", key: key)
        case .io(.system(let call, let path, let errno)):
            report.add(kind, path, place, "can't be read: \(call) says error \(errno)", key: key)
        case .io(let other): report.add(kind, file, place, "can't be read: \(other)", key: key)
        case .poisoned, .noSpace, .foreignDrive, .inUse, .promisedHigher, .shutDown:
            report.add(kind, file, place, "\(error)", key: key)
        }
    }

    private func closeFiles() async {
        for number in openSegments.keys.sorted() { await openSegments[number]?.close() }
        openSegments = [:]
        await openData?.file.close()
        openData = nil
    }
}
