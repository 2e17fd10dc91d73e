import Base
import Digests
import Drives
import Runtime
import SimulationSupport
import Testing

/// Random commits, verdicts, flushes, compactions, cleanings, power cuts and kills, against a dictionary of what is published.
struct EngineModelTests {
    @Test(arguments: 0..<60) func `the index holds exactly what was published, whatever happens`(group: Int) throws {
        for seed in UInt64(group) * 4..<UInt64(group) * 4 + 4 {
            let rig = EngineRig(seed: seed &* 1_000_003)
            do {
                try rig.executor.run {
                    let run = EngineRun(rig: rig, seed: seed)
                    try await run.start()
                    for _ in 0..<60 { try await run.step() }
                    try await run.finish()
                }
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }
}

struct ModelViolation: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// One run: the engine and the model side by side. Used by one task of the simulation.
// SAFETY: belongs to the one task that runs the test's steps.
final class EngineRun: @unchecked Sendable {
    struct Row: Equatable {
        var revision: Position
        var payload: [UInt8]
        var data: [UInt8]
        var isExtent = false
    }

    struct Commit {
        var header: CommitHeader
        var rows: [(key: IndexKey, row: Row?)]
        var mutations: [Mutation]
        var append: Append
        var note: [UInt8]
    }

    let rig: EngineRig
    let seed: UInt64
    var random: SplitMix64
    var engine: DriveEngine
    var published: [IndexKey: Row] = [:]
    var pending: [Position: Commit] = [:]
    /// Published positions with their keys' hashes, never pruned: the checker takes those above the mark.
    var history: [Position: [UInt64]] = [:]
    var voided: Set<Position> = []
    var statement: (position: Position, note: [UInt8])?
    var epoch: UInt64 = 1
    var sequence: UInt64 = 0
    var decided = Position.zero
    var confirmed = Position.zero
    var isSmall = false

    init(rig: EngineRig, seed: UInt64) {
        (self.rig, self.seed) = (rig, seed)
        random = SplitMix64(seed: seed)
        engine = rig.engine()
    }

    func start() async throws {
        try await rig.format()
        let recovery = try await engine.recover()
        guard recovery.isBlank else { throw ModelViolation("not blank") }
        try await engine.resolve(VerdictBy { _ in .valid })
        runInBackground()
    }

    private func runInBackground() {
        guard random.chance(0.5) else { return }
        let engine = engine
        rig.executor.spawn { await engine.run() }
    }

    func step() async throws {
        switch random.below(100) {
        case ..<50: try await writeSome()
        case ..<70: try await decideSome()
        case ..<76: try await engine.flush()
        case ..<82: _ = try await engine.compactOnce()
        case ..<88: _ = try await engine.cleanOnce()
        case ..<92: try await check()
        case ..<94: try await catchUp()
        case ..<97: await note()
        default: try await restart()
        }
    }

    func finish() async throws {
        try await decideAll()
        try await check()
        try await restart()
        try await decideAll()
        try await check()
        // Deleted, flushed, compacted and cleaned, nothing is left.
        for key in published.keys.sorted() {
            let commit = make([(key, nil)], [delete(key)])
            await engine.append(DriveCommit(header: commit.header, mutations: commit.mutations), reportingTo: commit.append)
            try await commit.append.end().get()
            await publish(commit)
        }
        confirmed = Position(epoch: epoch, sequence: sequence)
        decided = confirmed
        await engine.note(decided: decided, confirmed: confirmed)
        for _ in 0..<4 {
            try await engine.flush()
            while try await engine.compactOnce() {}
            while try await engine.cleanOnce() {}
        }
        try await check()
        let statistics = await engine.statistics()
        guard statistics.liveDataBytes == statistics.indexBytes else {
            throw ModelViolation("\(statistics.liveDataBytes - statistics.indexBytes) bytes live after all was deleted")
        }
        let segments = rig.parameters.log.reserveSegments + rig.parameters.log.spareSegments + 3
        guard statistics.logBytes <= UInt64(segments * rig.parameters.log.segmentBytes) else {
            throw ModelViolation("\(statistics.logBytes) bytes of log after all was deleted")
        }
        let data = (rig.parameters.emptyDataSegmentsKept + 1) * rig.parameters.dataSegmentBytes
        guard statistics.dataBytes <= UInt64(data) else {
            throw ModelViolation("\(statistics.dataBytes) bytes of data segments after all was deleted")
        }
        await engine.shutDown()
    }

    // MARK: Writing

    private func key(_ number: Int) -> IndexKey { systemKey("key\(number)") }

    private var freeKeys: [IndexKey] {
        let locked = Set(pending.values.flatMap { $0.rows.map(\.key) })
        return (0..<40).map(key).filter { !locked.contains($0) }
    }

    private func bytes(_ count: Int) -> [UInt8] {
        let start = UInt8(truncatingIfNeeded: random.next())
        return (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) &+ start }
    }

    private func make(_ rows: [(key: IndexKey, row: Row?)], _ mutations: [Mutation], isStatement: Bool = false) -> Commit {
        let position = Position(epoch: epoch, sequence: sequence + 1)
        sequence += 1
        let rows = rows.map { (key: $0.key, row: $0.row.map { Row(revision: position, payload: $0.payload, data: $0.data, isExtent: $0.isExtent) }) }
        return Commit(
            header: header(position, kind: isStatement ? .statement : .commit, decided: decided, confirmed: confirmed),
            rows: rows, mutations: mutations, append: Append(), note: isStatement ? [UInt8(truncatingIfNeeded: sequence)] : [])
    }

    private func writeSome() async throws {
        var commits: [Commit] = []
        for _ in 0...random.below(4) {
            guard let commit = try await makeCommit(commits) else { continue }
            commits.append(commit)
        }
        for commit in commits {
            pending[commit.header.position] = commit
            await engine.append(
                DriveCommit(header: commit.header, mutations: commit.mutations, note: commit.note),
                reportingTo: commit.append)
        }
        // Sometimes the power goes while they are on their way.
        if random.chance(0.05) { return try await restart() }
        for commit in commits where random.chance(0.8) { try await commit.append.end().get() }
    }

    private func makeCommit(_ others: [Commit]) async throws -> Commit? {
        if random.chance(0.05) { return make([], [], isStatement: true) }
        let taken = Set(others.flatMap { $0.rows.map(\.key) })
        var free = freeKeys.filter { !taken.contains($0) }
        guard !free.isEmpty else { return nil }
        var rows: [(key: IndexKey, row: Row?)] = [], mutations: [Mutation] = []
        for _ in 0...(random.chance(0.25) ? 1 : 0) where !free.isEmpty {
            let key = free.remove(at: random.below(free.count))
            let payload = bytes(random.below(200))
            switch random.below(10) {
            case ..<2:
                rows.append((key, nil))
                mutations.append(delete(key))
            case ..<4:
                rows.append((key, Row(revision: .zero, payload: payload, data: [])))
                mutations.append(put(key, payload))
            case ..<7:
                let data = bytes(1 + random.below(6000))
                rows.append((key, Row(revision: .zero, payload: payload, data: data)))
                mutations.append(put(key, payload, rig.packed(data)))
            default:
                let data = bytes(4096 * (1 + random.below(4)))
                let extents = try await writeExtents(data)
                rows.append((key, Row(revision: .zero, payload: payload, data: data, isExtent: true)))
                mutations.append(
                    put(key, payload, .extents(extents, blockBytes: data.count, checksums: [BlockChecksum.of(data, seed: 0)])))
            }
        }
        return make(rows, mutations)
    }

    private func writeExtents(_ data: [UInt8]) async throws -> [Extent] {
        if random.chance(0.2) {
            let unused = try await engine.reserve(4096)
            if random.chance(0.5) { await engine.release([unused]) }
        }
        let split = data.count > 4096 && random.chance(0.3) ? 4096 : data.count
        var extents: [Extent] = []
        for part in [data[..<split], data[split...]] where !part.isEmpty {
            let extent = try await engine.reserve(part.count)
            try await engine.write(rig.slice(Array(part)), to: extent, at: 0)
            extents.append(extent)
        }
        try await engine.syncData()
        return extents
    }

    // MARK: Deciding

    private func publish(_ commit: Commit) async {
        await engine.publish(commit.header.position)
        applyToModel(commit)
    }

    private func applyToModel(_ commit: Commit) {
        for (key, row) in commit.rows { published[key] = row }
        history[commit.header.position] = commit.rows.map(\.key.changeHash)
        if commit.header.kind == .statement { statement = (commit.header.position, commit.note) }
        pending[commit.header.position] = nil
    }

    private func decideSome() async throws {
        for position in pending.keys.sorted() where random.chance(0.6) {
            guard let commit = pending[position] else { continue }
            if random.chance(0.1) {
                pending[position] = nil
                voided.insert(position)
                await engine.discard(position)
            } else {
                // A leader may decide before this drive has the record.
                await publish(commit)
            }
        }
        // The engine may still wait for a record that it was told to publish.
        await settle()
    }

    private func decideAll() async throws {
        for position in pending.keys.sorted() {
            guard let commit = pending[position] else { continue }
            try await commit.append.end().get()
            await publish(commit)
        }
        await settle()
    }

    private var unended: [Append] = []

    /// Waits until every append so far has ended, so that what was told to be published is.
    private func settle() async { try? await rig.executor.sleep(for: .milliseconds(50)) }

    private func note() async {
        let lowest = pending.keys.min() ?? Position(epoch: .max, sequence: 0)
        decided = max(decided, history.keys.filter { $0 < lowest }.max() ?? .zero)
        if random.chance(0.5), let mark = history.keys.filter({ $0 <= decided }).sorted().randomElement(using: &random) {
            confirmed = max(confirmed, mark)
        }
        await engine.note(decided: decided, confirmed: confirmed)
    }

    private func catchUp() async throws {
        let free = freeKeys
        guard !free.isEmpty else { return }
        let key = free[random.below(free.count)]
        sequence += 1
        let position = Position(epoch: epoch, sequence: sequence)
        let isDelete = random.chance(0.3)
        let data = bytes(1 + random.below(3000)), payload = bytes(10)
        let row = CaughtUpState.Row(
            key: key, revision: isDelete ? nil : position, payload: payload,
            attachment: isDelete ? .none : rig.packed(data))
        try await engine.store(
            CaughtUpState(rows: [row], positions: [ChangedKeys(position: position, keys: [key], note: [])]))
        published[key] = isDelete ? nil : Row(revision: position, payload: payload, data: data)
        history[position] = [key.changeHash]
    }

    // MARK: Restarting

    private func restart() async throws {
        switch random.below(4) {
        case 0:
            await settle()
            for position in pending.keys.sorted() { try await pending[position]?.append.end().get() }
            await engine.shutDown()
        case 1: rig.drive.kill()
        default: rig.drive.powerCut()
        }
        let stored = Set(pending.values.filter { if case .success? = $0.append.result { true } else { false } }.map(\.header.position))
        let dead = engine
        engine = rig.engine()
        await dead.shutDown()
        let recovery = try await engine.recover()
        let found = Set(recovery.pending.map(\.header.position))
        guard stored.isSubset(of: found) else {
            throw ModelViolation("durable and gone: \(stored.subtracting(found).sorted())")
        }
        let known = Set(recovery.changes.map(\.position)).union(found)
        for position in history.keys.sorted() where position > recovery.mark && !known.contains(position) {
            throw ModelViolation("published \(position) is neither pending nor listed above mark \(recovery.mark)")
        }
        guard recovery.mark <= confirmed, recovery.decided <= max(decided, recovery.mark) else {
            throw ModelViolation("mark \(recovery.mark) above confirmed \(confirmed)")
        }
        if let statement, recovery.statement?.position ?? .zero < statement.position, !found.contains(statement.position) {
            throw ModelViolation("statement \(statement.position) is gone")
        }
        try await resolve(found)
        epoch += 1
        sequence = 0
        runInBackground()
    }

    private func resolve(_ found: Set<Position>) async throws {
        var verdicts: [Position: Verdict] = [:]
        for position in found.sorted() {
            if history[position] != nil {
                verdicts[position] = .valid
            } else if pending[position] != nil {
                verdicts[position] = [.valid, .void, .pending][random.below(3)]
            } else {
                guard voided.contains(position) else { throw ModelViolation("\(position) was never appended") }
                verdicts[position] = .void
            }
        }
        let fixed = verdicts
        try await engine.resolve(VerdictBy { fixed[$0] ?? .void })
        for position in pending.keys.sorted() {
            guard let commit = pending[position] else { continue }
            switch verdicts[position] ?? .void {
            case .valid: applyToModel(commit)
            case .void:
                pending[position] = nil
                voided.insert(position)
            case .pending:
                pending[position]?.append = Append()
                pending[position]?.append.appended(position, slot: 2, .success(()))
                guard let whole = try await engine.pendingCommit(position), whole.mutations.count == commit.mutations.count
                else { throw ModelViolation("pending \(position) is not whole") }
            }
        }
    }

    // MARK: Checking

    func check() async throws {
        await settle()
        // Commits that were told to be published and are not durable yet would differ.
        let entries = try await engine.entries(from: IndexKey([0]), to: IndexKey([KeySpace.changes.rawValue]), limit: .max)
        guard entries.map(\.key) == published.keys.sorted() else {
            throw ModelViolation("keys differ: \(entries.count) and \(published.count)")
        }
        for entry in entries { try await check(entry, published[entry.key]) }
        for number in 0..<40 where random.chance(0.2) {
            let entry = try await engine.entry(key(number))
            guard entry?.revision == published[key(number)]?.revision else { throw ModelViolation("key\(number) differs") }
            let first = try await engine.firstEntry(prefix: key(number).bytes)
            guard (first?.key == key(number)) == (published[key(number)] != nil) || first != nil else {
                throw ModelViolation("first of key\(number) differs")
            }
        }
        let verification = try await engine.verify()
        guard verification.isClean else { throw ModelViolation("\(verification)") }
    }

    private func check(_ entry: IndexEntry, _ row: Row?) async throws {
        guard let row, entry.revision == row.revision, entry.payload == row.payload else {
            throw ModelViolation("\(entry.key.bytes): \(entry.revision) for \(String(describing: row?.revision))")
        }
        var data: [UInt8] = []
        switch entry.stored {
        case .none: break
        case .packed(let location): data = try await engine.read(location).array
        case .extents(let extents, _, _):
            for extent in extents {
                let slice = rig.pool.take(extent.byteCount).slice(0, extent.byteCount)
                try await engine.read(extent, at: 0, into: slice)
                data += slice.array
            }
        }
        guard data == row.data else { throw ModelViolation("data of \(entry.key.bytes) at \(entry.revision) differs") }
    }
}
