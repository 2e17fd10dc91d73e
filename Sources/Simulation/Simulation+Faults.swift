import Base
import Drives
import Glibc
import ObjectFormat
import Objects
import SimulationSupport

/// Power cuts, kills, and what happens to drives.
extension Simulation {
    func perform(_ step: SimulationStep) async {
        let salt = step.salt, set = Int(salt % UInt64(plan.sets))
        switch step.action {
        case .pause(let microseconds): try? await executor.sleep(for: .microseconds(microseconds))
        case .powerCut: endProcess(cutsPower: true)
        case .kill: endProcess(cutsPower: false)
        case .flush(let slot):
            if let engine = engines[set][slot] { executor.spawn { try? await engine.flush() } }
        case .sweep:
            if let store { executor.spawn { try? await store.sweepToFree() } }
        case .away(let slot):
            guard mayMiss(set, slot) else { return }
            isAway[set][slot] = true
            drives[set][slot].goAway()
        case .back: comeBack(set, salt)
        case .stall(let slot):
            if mayMiss(set, slot) { drives[set][slot].stall() }
        case .release: for drive in drives[set] { drive.release() }
        case .failCall(let slot, let call, let code, let skipping):
            guard mayMiss(set, slot) else { return }
            drives[set][slot].inject(SimulatedFault(.error(code), on: call, skipping: skipping))
        case .shortWrite(let slot, let skipping):
            guard mayMiss(set, slot) else { return }
            drives[set][slot].inject(SimulatedFault(.shortWrite, on: .write, skipping: skipping))
        case .corruptRead(let slot, let skipping):
            guard mayMiss(set, slot) else { return }
            drives[set][slot].inject(SimulatedFault(.corruptRead, on: .read, pathPrefix: "data", skipping: skipping))
        case .dieAt(let slot, let call, let skipping, let cutsPower):
            await dieAt(set, slot, call, skipping, cutsPower)
        case .lie, .rot, .unreadable, .empty, .replace: await lose(step, set)
        default: begin(client: step)
        }
    }

    private func comeBack(_ set: Int, _ salt: UInt64) {
        let away = isAway[set].indices.filter { isAway[set][$0] }
        guard !away.isEmpty else { return }
        let slot = away[Int(salt / 7 % UInt64(away.count))]
        isAway[set][slot] = false
        drives[set][slot].comeBack()
    }

    /// The process dies when one of its drives begins a certain call.
    private func dieAt(
        _ set: Int, _ slot: Int, _ call: SimulatedFault.Call, _ skipping: Int, _ cutsPower: Bool
    ) async {
        let drive = drives[set][slot], target = drive.operationCount + skipping
        begin(client: SimulationStep(action: .put(key: 0, size: 5_000), salt: 1))
        for _ in 0..<40 where drive.operationCount < target { try? await executor.sleep(for: .microseconds(50)) }
        drive.inject(SimulatedFault(.stall, on: call))
        for _ in 0..<20 { try? await executor.sleep(for: .microseconds(50)) }
        endProcess(cutsPower: cutsPower)
    }

    // MARK: Loss

    /// Whether the slot's drive may miss commits for a time. While another counts as lost, those that miss any are within parity too.
    private func mayMiss(_ set: Int, _ slot: Int) -> Bool {
        guard armed[set].isEmpty else { return false }
        disturbed[set].insert(slot)
        guard isStrict, !tainted[set].isEmpty else { return true }
        guard let status = status(ifThere: set) else { return false }
        let missing = SlotMask.first(slots).subtracting(status.whole).union(tainted[set]).union(disturbed[set])
        return missing.count <= plan.geometry.parity
    }

    /// Whether the slot's drive may be lost: in mode `within` only while enough others hold everything. One that goes on with what
    /// it lost, unseen, leaves room besides for the drives that a commit misses when the process dies in the middle of it.
    private func mayLose(_ set: Int, _ slot: Int, unseen: Bool = false) -> Bool {
        guard isStrict else { return true }
        guard plan.geometry.parity > 0, store != nil, clients == 0, sets.count == plan.sets else { return false }
        let status = status(set)
        guard status.isWritable, status.inFlight == 0, status.open == 0, armed[set].isEmpty else { return false }
        let left = status.whole.subtracting(tainted[set]).subtracting(disturbed[set]).subtracting(SlotMask([slot]))
        let mayMiss = unseen ? slots - Quorum(plan.geometry).write : 0
        return left.count >= slots - plan.geometry.parity + mayMiss
    }

    private func lose(_ step: SimulationStep, _ set: Int) async {
        await quiesce()
        let salt = step.salt
        switch step.action {
        case .lie(let slot, let skipping, let misdirects):
            guard isAway[set].allSatisfy({ !$0 }), isStrict ? status(ifThere: set)?.whole.count == slots : true,
                mayLose(set, slot, unseen: true)
            else { return }
            tainted[set].insert(slot)
            armed[set].insert(slot)
            drives[set][slot].inject(
                SimulatedFault(
                    misdirects ? .misdirectWrite(by: 4096) : .dropWrite, on: .write, pathPrefix: "data",
                    skipping: skipping))
        case .rot(let slot, let bits):
            guard mayLose(set, slot, unseen: true), let path = somePath(set, slot, salt) else { return }
            tainted[set].insert(slot)
            let size = drives[set][slot].size(of: path) ?? 0
            guard size > 0 else { return }
            let start = salt / 5 % size
            trace("rot in \(path) of \(slot)")
            drives[set][slot].flipBits(in: path, start..<min(size, start + 4_096), count: bits)
        case .unreadable(let slot):
            guard mayLose(set, slot, unseen: true), let path = somePath(set, slot, salt) else { return }
            tainted[set].insert(slot)
            let start = salt / 5 % max(1, drives[set][slot].size(of: path) ?? 1)
            drives[set][slot].makeUnreadable(path, start..<start + 1_024)
        case .empty(let slot):
            guard mayLose(set, slot) else { return }
            tainted[set].remove(slot)
            // Nobody's word is needed when all others are in step; the end of the schedule has it where it is.
            drives[set][slot].replaceWithBlank()
            engines[set][slot] = nil
            isAway[set][slot] = false
            emptied[set].insert(slot)
            // The set may count it as whole until it touches it next: not so the schedule.
            disturbed[set].insert(slot)
        case .replace(let slot):
            guard mayLose(set, slot) else { return }
            endProcess(cutsPower: true)
            tainted[set].remove(slot)
            lost[set].insert(slot)
            isAway[set][slot] = false
            drives[set][slot].replaceWithBlank()
        default: break
        }
        trace("lost: \(step.action)")
        report.losses += 1
    }

    private func status(ifThere set: Int) -> SetStatus? { sets.count == plan.sets ? status(set) : nil }

    private func somePath(_ set: Int, _ slot: Int, _ salt: UInt64) -> String? {
        let paths = drives[set][slot].paths.filter { $0 != DriveFormat.identityPath }
        guard !paths.isEmpty else { return nil }
        return paths[Int(salt / 11 % UInt64(paths.count))]
    }
}
