import Base
import Drives
import ObjectFormat
import Objects
import Runtime
import SimulationSupport

/// One run of a schedule: a machine with drives, the process that runs on it, clients, and what they may see.
///
/// The process is the real one below the front end: engines, sets, object store, sweeper and housekeeping, on simulated files and
/// a simulated clock. A power cut or a kill ends it; the next start goes through recovery. The fault model is the promise of
/// rule 1: in mode `within`, a drive is destroyed or damaged only while n - m others hold everything, and a drive that was damaged
/// or that lied counts as lost until it is replaced.
actor Simulation {
    nonisolated let executor: SimulationExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let plan: SimulationPlan
    let canary: SimulationCanary?
    let random: SeededRandom
    let buffers: BufferPool
    /// By set and slot.
    let drives: [[SimulatedDrive]]
    private let deployment = UniqueID(high: 7, low: 7)

    var generation = 0
    var sets: [ErasureSet] = []
    var engines: [[DriveEngine?]]
    var store: ObjectStore?
    private(set) var isStarting = false
    private var ends: [CheckedContinuation<Void, Never>] = []
    private var background = 0
    var isEnding = false

    var isAway: [[Bool]]
    /// Damaged, or about to be: counts as lost.
    var tainted: [SlotMask]
    var armed: [SlotMask]
    /// Declared gone by the operator.
    var lost: [SlotMask]
    /// Emptied while running, and perhaps not admitted again by themselves.
    var emptied: [SlotMask]

    var now = 0
    var nextID = 1
    var clients = 0
    var registers = Array(repeating: RegisterModel(), count: SimulationKeys.registers)
    var once = Array(repeating: RegisterModel(), count: SimulationKeys.onceCount)
    var histories = Array(repeating: HistoryModel(), count: SimulationKeys.historyCount)
    var report = SimulationReport()

    init(
        _ plan: SimulationPlan, canary: SimulationCanary?, buffers: BufferPool, executor: SimulationExecutor
    ) {
        self.plan = plan
        self.canary = canary
        self.buffers = buffers
        self.executor = executor
        random = SeededRandom(seed: plan.seed ^ 0x5151)
        let slots = plan.geometry.data + plan.geometry.parity
        drives = (0..<plan.sets).map { set in
            (0..<slots).map { slot in
                SimulatedDrive(
                    executor: executor, seed: plan.seed &* 977 &+ UInt64(set * 100 + slot),
                    capacityBytes: plan.capacityBytes)
            }
        }
        engines = Array(repeating: Array(repeating: nil, count: slots), count: plan.sets)
        isAway = Array(repeating: Array(repeating: false, count: slots), count: plan.sets)
        tainted = Array(repeating: SlotMask(), count: plan.sets)
        armed = tainted
        lost = tainted
        emptied = tainted
    }

    var slots: Int { plan.geometry.data + plan.geometry.parity }
    var isStrict: Bool { plan.mode == .within }

    func tick() -> Int {
        now += 1
        return now
    }

    func trace(_ text: @autoclosure () -> String) { report.note(text()) }

    func fail(_ text: String) {
        guard report.violation == nil else { return }
        report.violation = text
        report.note("VIOLATION \(text)")
    }

    // MARK: The process

    private struct Source: DriveSource {
        let simulation: Simulation
        let set: Int
        let generation: Int
        func openDrive(slot: Int) async -> (any Drive)? { await simulation.openDrive(set, slot, generation) }
        func disappearance(of drive: DriveIdentity) async -> String? {
            await simulation.disappearance(set, drive, generation)
        }
    }

    private func openDrive(_ set: Int, _ slot: Int, _ asked: Int) async -> (any Drive)? {
        guard asked == generation, !isAway[set][slot] else { return nil }
        let io = drives[set][slot].files
        do throws(DriveError) {
            var identity = DriveIdentity(
                deployment: deployment, drive: UniqueID(random: random), pool: 0, set: set, slot: slot)
            switch try await DriveFormat.inspect(io) {
            case .formatted(let contents): identity = contents.identity
            case .blank: try await DriveFormat.format(io, as: identity)
            case .occupied, .unreadable: return nil
            }
            guard asked == generation else { return nil }
            let engine = DriveEngine(
                identity: identity, io: io, executor: executor, time: executor.clock, random: random, pool: buffers,
                parameters: parameters)
            engines[set][slot] = engine
            inBackground { await engine.run() }
            return engine
        } catch { return nil }
    }

    private func disappearance(_ set: Int, _ drive: DriveIdentity, _ asked: Int) async -> String? {
        guard asked == generation else { return "the process is gone" }
        do throws(DriveError) {
            if case .formatted(let contents) = try await DriveFormat.inspect(drives[set][drive.slot].files),
                contents.identity == drive
            {
                return nil
            }
            return "not that drive any more"
        } catch { return "\(error)" }
    }

    private var parameters: DriveParameters {
        var parameters = SimulationParameters.drive
        if case .drive(let rule) = canary {
            parameters.broken = [rule]
            parameters.log.isUnsynced = rule == .logNotSynced
        }
        return parameters
    }

    /// Runs until the process ends.
    private func inBackground(_ work: @escaping @Sendable () async -> Void) {
        let mine = generation
        background += 1
        executor.spawn {
            await withDiscardingTaskGroup { group in
                group.addTask { await work() }
                await self.processEnds(mine)
                group.cancelAll()
            }
            await self.backgroundEnded()
        }
    }

    private func processEnds(_ mine: Int) async {
        guard mine == generation, !isEnding else { return }
        await withCheckedContinuation { ends.append($0) }
    }

    private func backgroundEnded() { background -= 1 }

    /// Starts the process when it does not run; tries again while its sets can't serve.
    func start() async {
        guard store == nil, !isStarting, !isEnding else { return }
        isStarting = true
        defer { isStarting = false }
        let mine = generation
        var opened: [ErasureSet] = []
        for set in 0..<plan.sets {
            let source = Source(simulation: self, set: set, generation: mine)
            var found: [(any Drive)?] = []
            for slot in 0..<slots { found.append(await source.openDrive(slot: slot)) }
            guard mine == generation else { return }
            var settings = SetSettings()
            settings.repairRows = 8
            settings.repairBytes = 16 << 10
            settings.reopenEvery = .milliseconds(1_000)
            if case .set(let rule) = canary { settings.broken = [rule] }
            let plane = ErasurePlane(
                executor: executor, pool: buffers, random: random, parameters: SimulationParameters.plane)
            let erasureSet = ErasureSet(
                geometry: plan.geometry, drives: found, executor: executor, random: random, plane: plane,
                source: source, settings: settings)
            do throws(SetError) { try await erasureSet.start(declaringLost: lost[set]) } catch {
                trace("set \(set) starts without serving: \(error)")
            }
            guard mine == generation else { return }
            opened.append(erasureSet)
        }
        sets = opened
        for set in opened { inBackground { await set.run() } }
        for _ in 0..<200 where mine == generation && !isEnding {
            do throws(ObjectError) {
                let made = try await ObjectStore(
                    sets: opened, time: executor.clock, random: random, buffers: buffers,
                    limits: SimulationParameters.limits)
                guard mine == generation else { return }
                try await prepare(made)
                guard mine == generation else { return }
                store = made
                inBackground { await made.runSweeper() }
                for set in 0..<plan.sets { noteStart(set) }
                return
            } catch {
                trace("the store does not open: \(error)")
                report.lastError = "\(error)"
                try? await executor.sleep(for: .milliseconds(300))
            }
        }
    }

    /// The buckets, and the object that moves.
    private func prepare(_ store: ObjectStore) async throws(ObjectError) {
        for bucket in [SimulationKeys.plainBucket, SimulationKeys.versionedBucket] {
            do throws(ObjectError) { _ = try store.bucket(bucket, tenant: .default) } catch {
                _ = try await store.createBucket(bucket, tenant: .default, options: CreateBucketOptions())
            }
        }
        let versioned = SimulationKeys.versionedBucket
        if try store.bucket(versioned, tenant: .default).versioning != .enabled {
            try await store.setVersioning(versioned, tenant: .default, enabled: true)
        }
        guard !report.hasToken else { return }
        _ = try await store.put(
            SimulationKeys.plainBucket, SimulationKeys.token(0), tenant: .default, options: PutOptions(),
            body: SimulatedBody(SimulatedContent.bytes(0, count: 64)))
        report.hasToken = true
    }

    /// A start that is over tells which drives are members: those that were declared lost are, once others are in their place.
    private func noteStart(_ set: Int) {
        let status = status(set)
        trace("set \(set): epoch \(status.epoch) \(status.isWritable ? "rw" : "ro") whole \(status.whole)")
        guard status.isWritable, status.members.count == slots else { return }
        for slot in 0..<slots {
            if let engine = engines[set][slot], engine.identity.drive == status.members[slot] {
                lost[set].remove(slot)
            }
        }
    }

    func status(_ set: Int) -> SetStatus { sets[set].assumeIsolated { $0.status } }

    /// The process is gone, and with it everything volatile when the power went too.
    func endProcess(cutsPower: Bool) {
        generation += 1
        for set in drives.indices {
            for slot in drives[set].indices {
                if cutsPower { drives[set][slot].powerCut() } else { drives[set][slot].kill() }
                drives[set][slot].clearFaults()
                engines[set][slot] = nil
            }
            armed[set] = SlotMask()
        }
        sets = []
        store = nil
        let waiting = ends
        ends = []
        for end in waiting { end.resume() }
    }

    // MARK: The run

    func run() async {
        await start()
        for step in plan.steps where report.violation == nil {
            trace("\(step)")
            await perform(step)
            if step.salt % 3 != 0 { try? await executor.sleep(for: .microseconds(Int(step.salt >> 8 % 900))) }
            if store == nil { executor.spawn { await self.start() } }
        }
        if report.violation == nil { await finish() }
        await endAll()
    }

    /// Ends whatever still runs, so that nothing of this schedule is left in memory.
    private func endAll() async {
        isEnding = true
        for set in drives { for drive in set { drive.release() } }
        endProcess(cutsPower: false)
        for _ in 0..<500 where clients > 0 || background > 0 || isStarting {
            try? await executor.sleep(for: .milliseconds(20))
        }
        if report.violation == nil, clients > 0 { fail("\(clients) requests never ended") }
        report.requests = nextID
    }

    /// Waits until no client has a request under way, for a time.
    func quiesce() async {
        for _ in 0..<100 where clients > 0 { try? await executor.sleep(for: .milliseconds(20)) }
    }
}

/// Everything so small that flushes, compactions, cleaning and large data happen all the time.
enum SimulationParameters {
    static var drive: DriveParameters {
        var parameters = DriveParameters()
        parameters.log.segmentBytes = 256 << 10
        parameters.log.batchBytes = 64 << 10
        parameters.log.recordBytesMax = 160 << 10
        parameters.log.reserveSegments = 2
        parameters.log.spareSegments = 1
        parameters.log.openSegmentsMax = 3
        parameters.index.tableBytes = 8 << 10
        parameters.index.blockBytes = 512
        parameters.index.levelZeroTables = 2
        parameters.index.levelOneBytes = 16 << 10
        parameters.index.levelRatio = 3
        parameters.cacheBytes = 64 << 10
        parameters.memtableBytes = 16 << 10
        parameters.unflushedLogBytes = 512 << 10
        parameters.dataSegmentBytes = 1 << 20
        parameters.dataFilesOpenMax = 2
        parameters.manifestBytes = 8 << 10
        parameters.cleanedSegmentsPerFlush = 1
        parameters.cleaningStepBytes = 32 << 10
        parameters.reserveBytes = 512 << 10
        parameters.checksInvariants = true
        return parameters
    }

    static var plane: DataPlaneParameters {
        var parameters = DataPlaneParameters()
        parameters.fullCopyLimit = 2_000
        parameters.extentBlocksMax = 4
        return parameters
    }

    static var limits: ObjectLimits {
        var limits = ObjectLimits()
        limits.partBytesMin = 1
        return limits
    }
}
