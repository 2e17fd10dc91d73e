package import Base
package import Drives
import Glibc
import Objects
import Runtime

/// `martlet doctor --verify`: audits drives that no server uses, one after the other, and says what to do about what it finds.
package enum DriveVerify {
    /// One drive's outcome: findings for the summary, and the table of damages.
    package struct Outcome: Sendable {
        package var findings: [Finding]
        package var damages: [String]
        package var identity: DriveIdentity?
        package var isClean: Bool { findings.allSatisfy { $0.verdict != .bad } }
    }

    /// Progress is said at most this often.
    private static let progressNanoseconds: UInt64 = 2_000_000_000

    /// `progress` takes a line now and then, while a drive is being read.
    package static func run(
        _ path: String, settings: Settings, time: any TimeSource, progress: @escaping @Sendable (String) -> Void
    ) async throws -> Outcome {
        guard access(path, F_OK) == 0 else {
            return Outcome(
                findings: [Finding(.bad, path, "does not exist", remedy: "mount the drive, or leave it out")],
                damages: [])
        }
        var configuration = LoopConfiguration()
        configuration.usesRing = settings.ioUring
        let loops = try LoopGroup(count: 1, configuration: configuration)
        let loop = loops[0], files = BlockingPool(), buffers = BufferPool()
        let result: Result<AuditReport, DriveError> = await onLoop(loop) { () async in
            var last = time.monotonicNanoseconds()
            let audit = DriveAudit(
                io: LocalDrives.io(path, loop: loop, files: files), pool: buffers, layout: ShardBlocks()
            ) { state in
                let now = time.monotonicNanoseconds()
                guard now - last >= progressNanoseconds else { return }
                last = now
                progress(line(path, state))
            }
            do throws(DriveError) { return .success(try await audit.run()) } catch { return .failure(error) }
        }
        loop.cancelTasks()
        await loops.shutDown()
        switch result {
        case .success(let report): return outcome(path, report)
        case .failure(.inUse):
            return Outcome(
                findings: [
                    Finding(
                        .bad, path, "not verified: a server is using this drive",
                        remedy: "stop the server first, or verify the drive on its own while the server runs without it"
                    )
                ], damages: [])
        case .failure(let error):
            return Outcome(
                findings: [
                    Finding(
                        .bad, path, "not verified: \(error)",
                        remedy: "is the drive mounted, and may this user read it?")
                ], damages: [])
        }
    }

    static func line(_ path: String, _ state: AuditProgress) -> String {
        let share = state.totalBytes == 0 ? 100 : min(100, state.doneBytes * 100 / state.totalBytes)
        return
            "verifying \(path): \(state.phase.rawValue), \(bytes(state.doneBytes)) of \(bytes(state.totalBytes)) (\(share) %)"
    }

    // MARK: What was found

    static func outcome(_ path: String, _ report: AuditReport) -> Outcome {
        var findings: [Finding] = []
        let checked =
            "\(report.logBatches) log batches in \(report.logSegments) segments, \(report.rows) rows in \(report.tables) tables, "
            + "\(report.packedPieces) packed pieces, \(report.dataBlocks) data blocks, \(bytes(report.checkedBytes)) read"
        if report.isClean {
            findings.append(Finding(.good, path, "verified: \(checked)"))
        } else {
            let count = report.damages.count { $0.kind != .tornEnd } + report.unlisted
            findings.append(
                Finding(
                    .bad, path, "\(count) damage\(count == 1 ? "" : "s") found (\(checked))", remedy: remedy(report)))
        }
        if report.damages.contains(where: { $0.kind == .tornEnd }) {
            findings.append(
                Finding(
                    .advice, path, "an end is torn, as after a power cut",
                    remedy: "nothing to do if the power was cut: the next start cuts it off"))
        }
        if report.isRebuilding {
            findings.append(
                Finding(
                    .advice, path, "this drive is being rebuilt from the others",
                    remedy: "run the server until martlet_drive_rebuilding is 0"))
        }
        if report.isMarkedDamaged {
            findings.append(
                Finding(
                    .advice, path, "a start found damage in the log and marked the drive",
                    remedy: "run the server with the other drives: it rebuilds this one"))
        }
        var lines = report.damages.map { row(path, $0) }
        if report.unlisted > 0 { lines.append("… and \(report.unlisted) more on \(path)") }
        return Outcome(findings: findings, damages: lines, identity: report.identity)
    }

    /// What the drives say of themselves, compared: drive.json has no checksum, and a wrong id shows only beside the others.
    package static func compare(_ drives: [(path: String, identity: DriveIdentity?)]) -> [Finding] {
        let known = drives.compactMap { drive in drive.identity.map { (drive.path, $0) } }
        var findings: [Finding] = []
        for (index, (path, identity)) in known.enumerated() {
            for (other, otherIdentity) in known[..<index] {
                if identity.deployment != otherIdentity.deployment {
                    findings.append(
                        Finding(
                            .bad, path,
                            "drive.json names deployment \(identity.deployment), that of \(other) names \(otherIdentity.deployment)",
                            remedy:
                                "name only drives of one deployment; if they are, a drive.json is damaged: see Docs/operations/doctor.md"
                        ))
                    break
                }
                if identity.drive == otherIdentity.drive
                    || (identity.set, identity.slot) == (otherIdentity.set, otherIdentity.slot)
                {
                    findings.append(
                        Finding(
                            .bad, path,
                            "drive.json claims the place of \(other): set \(identity.set + 1), slot \(identity.slot + 1)",
                            remedy:
                                "one is a copy or was replaced: leave it out; or a drive.json is damaged: see Docs/operations/doctor.md"
                        ))
                    break
                }
            }
        }
        return findings
    }

    private static func row(_ path: String, _ damage: AuditReport.Damage) -> String {
        let place = damage.place.isEmpty ? "" : ", \(damage.place)"
        let key = damage.key.map { " [\(KeyText.describe($0))]" } ?? ""
        return "\(path)/\(damage.file)\(place): \(damage.what)\(key)"
    }

    /// What helps against the worst that was found.
    private static func remedy(_ report: AuditReport) -> String {
        let kinds = Set(report.damages.map(\.kind))
        if kinds.contains(.identity) {
            return
                "name the drives that belong together; if this was one of them, empty the directory and start the server with the "
                + "others: it is rebuilt"
        }
        if kinds.isSubset(of: [.leak, .miscount, .tornEnd]) {
            return
                "no data is damaged, but space is lost: empty the directory and start the server with the other drives, which "
                + "rebuild it"
        }
        let rebuild =
            "copy the drive away if any other is in doubt, then empty its directory and start the server with the other drives: it is "
            + "rebuilt from them"
        if kinds.isSubset(of: [.packed, .data, .tornEnd, .leak, .miscount]) {
            return
                "reads are served from the other drives, and each object that is read is repaired; to repair all: \(rebuild). "
                + "Without parity: restore the objects named here from a backup"
        }
        return rebuild + ". Without parity there is no second copy: restore from a backup"
    }

    static func bytes(_ count: UInt64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = count, unit = 0, rest: UInt64 = 0
        while value >= 1024, unit < units.count - 1 {
            rest = value % 1024 * 10 / 1024
            value /= 1024
            unit += 1
        }
        return unit == 0 || value >= 100 ? "\(value) \(units[unit])" : "\(value).\(rest) \(units[unit])"
    }
}
