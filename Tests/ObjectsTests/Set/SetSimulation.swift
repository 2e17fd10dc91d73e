import Base
import Drives
import ObjectFormat
import Objects
import Runtime
import SimulationSupport

/// One random schedule over one set: clients, power cuts, drives that go, come back, are late, damaged, replaced.
///
/// The fault model is the promise of rule 1: a drive is destroyed or damaged only while at least n − m others hold everything.
/// Checked: nothing older than what was acknowledged or read is ever read or listed, nothing void is ever seen, and at the end,
/// with all drives back, everything is readable, counted once, and fully redundant.
actor SetSimulation {
    nonisolated let executor: SimulationExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private struct Key {
        /// Of each write, in order of its value: whether it deletes.
        var isDelete: [Bool] = []
        var voids: Set<Int> = []
        /// The newest write that was acknowledged or read.
        var floor = -1
        var layouts: [Int: DataLayout] = [:]
    }

    let geometry: Geometry
    private let broken: Set<BrokenRule>
    private let random: SeededRandom
    private var dice: SplitMix64
    private let pool = BufferPool()
    private let plane: TestPlane
    private var media: [MemoryMedia]
    private var drives: [MemoryDrive?]
    private var isAway: [Bool]
    private var shelf: [[MemoryMedia]]
    private var lost = SlotMask()
    private var members: [UniqueID] = []
    private var set: ErasureSet?
    private var generation = 0
    private var isStarting = false
    private var isRepairing = false
    private var clients = 0
    private var keys = Array(repeating: Key(), count: 4)
    private(set) var violation: String?
    private(set) var trace: [String] = []
    private(set) var reads = 0
    private(set) var writes = 0

    init(seed: UInt64, geometry: Geometry, broken: Set<BrokenRule>, executor: SimulationExecutor) {
        self.executor = executor
        self.geometry = geometry
        self.broken = broken
        random = SeededRandom(seed: seed ^ 0xA5A5)
        dice = SplitMix64(seed: seed)
        plane = TestPlane(pool: pool)
        let count = geometry.data + geometry.parity
        let random = random
        media = (0..<count).map { MemoryMedia(Self.identity($0, random)) }
        drives = Array(repeating: nil, count: count)
        isAway = Array(repeating: false, count: count)
        shelf = Array(repeating: [], count: count)
    }

    private static func identity(_ slot: Int, _ random: SeededRandom) -> DriveIdentity {
        DriveIdentity(
            deployment: UniqueID(high: 1, low: 1), drive: UniqueID(random: random), pool: 0, set: 0, slot: slot)
    }

    private var count: Int { media.count }
    private func fail(_ text: String) {
        if violation == nil {
            violation = text
            trace.append("VIOLATION \(text)")
        }
    }

    // MARK: Drives and power

    /// What a set opens its drives with: nothing any more once its process has died.
    private struct Source: DriveSource {
        let simulation: SetSimulation
        let generation: Int
        func openDrive(slot: Int) async -> (any Drive)? { await simulation.openDrive(slot: slot, generation) }
    }

    private func openDrive(slot: Int, _ asked: Int) -> MemoryDrive? {
        guard !isAway[slot], asked == generation else { return nil }
        if let old = drives[slot] { old.assumeIsolated { $0.fail() } }
        let drive = MemoryDrive(media[slot], executor: executor, random: random, pool: pool)
        drives[slot] = drive
        return drive
    }

    private func powerCut() {
        trace.append("power cut")
        generation += 1
        for slot in drives.indices {
            drives[slot]?.assumeIsolated { $0.fail() }
            drives[slot] = nil
        }
        set = nil
    }

    private func startSet() async {
        guard set == nil, !isStarting else { return }
        isStarting = true
        var settings = SetSettings()
        settings.broken = broken
        settings.repairRows = 4
        let new = ErasureSet(
            geometry: geometry, drives: Array(repeating: nil, count: count), executor: executor, random: random,
            plane: plane, source: Source(simulation: self, generation: generation), settings: settings)
        set = new
        do throws(SetError) {
            try await new.start(declaringLost: lost)
            noteStart(new)
        } catch { trace.append("start: \(error)") }
        isStarting = false
    }

    private func noteStart(_ started: ErasureSet) {
        let status = started.assumeIsolated { $0.status }
        trace.append(
            "epoch \(status.epoch) \(status.isWritable ? "rw" : "ro") whole \(status.whole) open \(status.open)")
        guard status.isWritable else { return }
        members = status.members
        for slot in media.indices where members[slot] == media[slot].identity.drive { lost.remove(slot) }
    }

    // MARK: Clients

    private func isVersioned(_ key: Int) -> Bool { key % 2 == 1 }

    private func prefix(_ key: Int) -> [UInt8] { [0x10, 0, 0, 0, 0, 0, 0, 0, 1, UInt8(0x61 + key), 0, 0] }

    private func rowKey(_ key: Int, _ position: Position) -> IndexKey {
        guard isVersioned(key) else { return IndexKey([0x20, UInt8(0x61 + key)]) }
        var bytes = prefix(key)
        withUnsafeBytes(of: (~position.epoch).bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: (~position.sequence).bigEndian) { bytes.append(contentsOf: $0) }
        return IndexKey(bytes)
    }

    private func current(_ set: ErasureSet, _ key: Int) async throws(SetError) -> SetRow? {
        if isVersioned(key) { return try await set.firstRow(prefix: prefix(key)) }
        return try await set.row(rowKey(key, .zero))
    }

    private func value(_ row: SetRow) -> Int { row.payload.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) } }

    private func write(_ chosen: [(key: Int, isDelete: Bool)]) async {
        clients += 1
        defer { clients -= 1 }
        guard let set else { return }
        do throws(SetError) {
            let lock = try await set.lock(chosen.map { LockName([UInt8($0.key)]) })
            var olds: [Int: SetRow] = [:]
            do throws(SetError) {
                for (key, _) in chosen { olds[key] = try await current(set, key) }
            } catch {
                await set.unlock(lock)
                throw error
            }
            await commit(set, chosen, olds)
            await set.unlock(lock)
        } catch {}
    }

    private func commit(_ set: ErasureSet, _ chosen: [(key: Int, isDelete: Bool)], _ olds: [Int: SetRow]) async {
        let here = SlotMask(drives.indices.filter { drives[$0] != nil })
        var writes: [(key: Int, value: Int, data: TestData?)] = []
        var objects: Int64 = 0
        for (key, isDelete) in chosen {
            let value = keys[key].isDelete.count
            keys[key].isDelete.append(isDelete)
            objects += (isDelete ? 0 : 1) - (olds[key] == nil ? 0 : 1)
            guard !isDelete else {
                writes.append((key, value, nil))
                continue
            }
            let layout: DataLayout
            if dice.chance(0.4) {
                let first = dice.below(count)
                let order = (0..<count).map { (first + $0) % count }.filter(here.contains)
                layout = .copies(count: 1, slots: order.prefix(geometry.parity + 1).map(UInt8.init))
            } else {
                layout = .packed(count: 1, geometry: geometry, rotation: 0)
            }
            keys[key].layouts[value] = layout
            writes.append((key, value, TestData(UInt64(value), layout: layout, slots: .first(count), plane: plane)))
        }
        let made = writes, change = objects
        let names: [(Int, @Sendable (Position) -> IndexKey)] = chosen.map { chosen in
            let sample = rowKey(chosen.key, .zero).bytes
            let isVersioned = isVersioned(chosen.key)
            return (
                chosen.key,
                { position in
                    guard isVersioned else { return IndexKey(sample) }
                    var bytes = Array(sample.dropLast(16))
                    withUnsafeBytes(of: (~position.epoch).bigEndian) { bytes.append(contentsOf: $0) }
                    withUnsafeBytes(of: (~position.sequence).bigEndian) { bytes.append(contentsOf: $0) }
                    return IndexKey(bytes)
                }
            )
        }
        do throws(SetError) {
            let position = try await set.commit { position in
                var changes: [SetChange] = []
                for (index, write) in made.enumerated() {
                    let key = names[index].1(position)
                    if let old = olds[write.key], write.data == nil || old.key != key {
                        changes.append(.delete(key: old.key))
                    }
                    guard let data = write.data else { continue }
                    let payload = withUnsafeBytes(of: UInt64(write.value).littleEndian) { Array($0) }
                    changes.append(.put(key: key, payload: payload, data: data))
                }
                changes.append(.count(CounterKey(bucket: BucketID(rawValue: 7)), objects: change, bytes: change * 10))
                return changes
            }
            trace.append("acknowledged \(position) \(made.map { "\($0.key):\($0.value)\($0.data == nil ? "d" : "")" })")
            self.writes += 1
            for write in made { keys[write.key].floor = max(keys[write.key].floor, write.value) }
        } catch {
            trace.append("write \(made.map { "\($0.key):\($0.value)" }) \(error)")
            if case .outcomeUnknown = error { return }
            for write in made { keys[write.key].voids.insert(write.value) }
        }
    }

    private func read(_ key: Int) async -> Bool {
        clients += 1
        defer { clients -= 1 }
        guard let set else { return false }
        let floor = keys[key].floor
        do throws(SetError) {
            let row = try await current(set, key)
            check(key, row.map(value), floor, "read")
            if let row {
                let value = value(row)
                guard let layout = keys[key].layouts[value] else {
                    fail("key \(key): value \(value) was never written")
                    return true
                }
                let reader = try await set.open(layout, of: row, range: nil)
                if (reader as? TestReader)?.value != UInt64(value) { fail("key \(key): \(value) has other data") }
            }
            reads += 1
            return true
        } catch {
            if case .dataLost = error { fail("key \(key): \(error)") }
            lastError = "\(error)"
            return false
        }
    }
    private var lastError = ""

    private func check(_ key: Int, _ value: Int?, _ floor: Int, _ what: String) {
        guard let value else {
            guard floor >= 0, !keys[key].isDelete[floor] else { return }
            let later = keys[key].isDelete.indices.filter {
                $0 > floor && keys[key].isDelete[$0] && !keys[key].voids.contains($0)
            }
            guard let first = later.first else {
                fail("\(what): key \(key) is absent, but \(floor) was acknowledged or read")
                return
            }
            keys[key].floor = max(keys[key].floor, first)
            return
        }
        if value < floor { fail("\(what): key \(key) shows \(value), but \(floor) was acknowledged or read") }
        if keys[key].voids.contains(value) { fail("\(what): key \(key) shows \(value), which was void") }
        keys[key].floor = max(keys[key].floor, value)
    }

    private func list() async {
        clients += 1
        defer { clients -= 1 }
        guard let set else { return }
        let floors = keys.map(\.floor)
        do throws(SetError) {
            for (space, parity) in [(UInt8(0x10), 1), (0x20, 0)] {
                let limit = 1 + dice.below(4)
                let rows = try await set.rows(from: IndexKey([space]), to: IndexKey([space + 1]), limit: limit)
                var found: [Int: Int] = [:]
                for row in rows {
                    let letter = space == 0x10 ? row.key.bytes[9] : row.key.bytes[1]
                    let key = Int(letter) - 0x61
                    if found[key] == nil { found[key] = value(row) } else { fail("listing shows key \(key) twice") }
                }
                let last = rows.last.map { Int(space == 0x10 ? $0.key.bytes[9] : $0.key.bytes[1]) - 0x61 } ?? -1
                for key in keys.indices where key % 2 == parity && (key <= last || rows.count < limit) {
                    check(key, found[key], floors[key], "listing")
                }
            }
        } catch {}
    }

    // MARK: The schedule

    private func isCalm(without slot: Int) -> Bool {
        guard let set else { return false }
        let status = set.assumeIsolated { $0.status }
        return status.isWritable && status.inFlight == 0 && status.open == 0
            && status.whole.subtracting(SlotMask([slot])).count >= count - geometry.parity
    }

    private func act() async {
        let slot = dice.below(count)
        switch dice.below(1_000) {
        case ..<280: spawnWrite()
        case ..<420:
            let key = dice.below(keys.count)
            executor.spawn { _ = await self.read(key) }
        case ..<460: executor.spawn { await self.list() }
        case ..<485: powerCut()
        case ..<525: goAway(slot)
        case ..<585: await comeBack()
        case ..<610: stall(slot, true)
        case ..<660: for slot in drives.indices { stall(slot, false) }
        case ..<672: replace(slot, destroy: true)
        case ..<680: replace(slot, destroy: false)
        case ..<692: swapBack(slot)
        case ..<860: executor.spawn { await self.repair() }
        case ..<930: flush(slot)
        case ..<936: damage(slot)
        case ..<943: await set?.recordStale(slot: slot)
        case ..<960: if let set { executor.spawn { await set.storeCounters() } }
        case ..<970: if let set { executor.spawn { await set.markIdle() } }
        case ..<985: if let set { executor.spawn { await set.reopenDrives() } }
        default: break
        }
        if set == nil { executor.spawn { await self.startSet() } }
    }

    private func spawnWrite() {
        guard clients < 12 else { return }
        var chosen: [(key: Int, isDelete: Bool)] = [(dice.below(keys.count), dice.chance(0.2))]
        if dice.chance(0.25) {
            let other = dice.below(keys.count)
            if other != chosen[0].key { chosen.append((other, dice.chance(0.3))) }
        }
        let writes = chosen
        executor.spawn { await self.write(writes) }
    }

    private func repair() async {
        guard let set, !isRepairing else { return }
        isRepairing = true
        _ = await set.repairStep()
        isRepairing = false
    }

    private func goAway(_ slot: Int) {
        guard !isAway[slot] else { return }
        isAway[slot] = true
        trace.append("away \(slot)")
        drives[slot]?.assumeIsolated { $0.fail() }
    }

    private func comeBack() async {
        guard let slot = isAway.indices.filter({ isAway[$0] }).randomElement(using: &dice) else { return }
        isAway[slot] = false
        trace.append("back \(slot)")
        guard let set, let drive = openDrive(slot: slot, generation) else { return }
        executor.spawn {
            do throws(SetError) {
                try await set.driveReturned(slot: slot, drive: drive)
                await self.returned(set)
            } catch { await self.note("return: \(error)") }
        }
    }

    private func stall(_ slot: Int, _ stalled: Bool) { drives[slot]?.assumeIsolated { $0.stall(stalled) } }
    private func flush(_ slot: Int) { drives[slot]?.assumeIsolated { $0.flush() } }
    private func status(_ set: ErasureSet) -> SetStatus { set.assumeIsolated { $0.status } }

    private func returned(_ from: ErasureSet) { if from === set { noteStart(from) } }
    private func note(_ text: String) { trace.append(text) }

    private func replace(_ slot: Int, destroy: Bool) {
        if destroy && !isCalm(without: slot) { return }
        // With all its drives swapped for blank ones a set is a new one.
        let others = media.indices.filter {
            $0 != slot && members.count == count && media[$0].identity.drive == members[$0]
        }
        guard others.count >= Quorum(geometry).read else { return }
        powerCut()
        if destroy {
            shelf[slot] = []
            lost.insert(slot)
        } else {
            shelf[slot].append(media[slot])
        }
        trace.append(destroy ? "destroyed \(slot)" : "swapped \(slot) for a blank one")
        media[slot] = MemoryMedia(Self.identity(slot, random))
    }

    private func swapBack(_ slot: Int) {
        guard let old = shelf[slot].randomElement(using: &dice), old.with({ $0.hasLogged }), geometry.parity > 0,
            Quorum(geometry).read > 1
        else { return }
        powerCut()
        shelf[slot].removeAll { $0 === old }
        shelf[slot].append(media[slot])
        media[slot] = old
        isAway[slot] = false
        trace.append("old drive back in \(slot)")
    }

    private func damage(_ slot: Int) {
        guard isCalm(without: slot), members.count == count, members[slot] == media[slot].identity.drive else { return }
        let size = media[slot].with { $0.isRebuilding ? 0 : $0.log.count }
        guard size > 1 else { return }
        let index = dice.below(size - 1)
        powerCut()
        trace.append("damaged \(slot)")
        media[slot].with {
            $0.log.remove(at: index)
            $0.isDamaged = true
        }
    }

    // MARK: Run

    func run(steps: Int) async {
        await startSet()
        for _ in 0..<steps where violation == nil {
            await act()
            if dice.chance(0.7) { try? await executor.sleep(for: .microseconds(dice.below(1_500))) }
        }
        if violation == nil { await finish() }
    }

    /// Puts each slot's member back; one that was destroyed is declared lost. True when a drive was changed.
    private func bringMembers() -> Bool {
        guard members.count == count else { return false }
        var isChanged = false
        for slot in media.indices where media[slot].identity.drive != members[slot] {
            if let member = shelf[slot].first(where: { $0.identity.drive == members[slot] }) {
                shelf[slot].append(media[slot])
                media[slot] = member
                isChanged = true
            } else if !lost.contains(slot) {
                lost.insert(slot)
                isChanged = true
            }
        }
        return isChanged
    }

    /// All drives back, repaired to the end: everything is readable, counted and redundant.
    private func finish() async {
        trace.append("finish")
        powerCut()
        for slot in media.indices { isAway[slot] = false }
        for _ in 0..<20 {
            while isStarting || isRepairing { try? await executor.sleep(for: .milliseconds(1)) }
            await startSet()
            if let set, status(set).isWritable, !bringMembers() { break }
            powerCut()
            _ = bringMembers()
        }
        guard let set, status(set).isWritable else { return fail("all drives are here and nothing is written") }
        for _ in 0..<2_000 {
            if await set.isFullyRedundant { break }
            if !(await set.repairStep()) { try? await executor.sleep(for: .milliseconds(1)) }
        }
        let status = status(set)
        if !(await set.isFullyRedundant) { fail("never in step again: \(status)") }
        var present: Int64 = 0
        for key in keys.indices {
            guard await read(key) else { return fail("key \(key): not readable with all drives back: \(lastError)") }
            if let row = try? await current(set, key), row.payload.count == 8 { present += 1 }
        }
        for _ in 0..<2 {
            guard let counter = try? await set.counter(CounterKey(bucket: BucketID(rawValue: 7))) else {
                return fail("the counter can't be read")
            }
            if counter != Counter(objects: present, bytes: present * 10) {
                fail("\(present) objects are there, and \(counter) is counted")
            }
            await set.storeCounters()
        }
    }
}

enum SetSchedule {
    static let geometries = [(1, 1), (2, 1), (2, 2), (3, 2), (4, 2), (3, 3), (1, 0), (2, 2), (8, 4)].map {
        Geometry(data: $0.0, parity: $0.1)
    }

    struct Outcome {
        var violation: String?
        var trace: [String]
        var reads: Int
        var writes: Int
    }

    static func run(seed: UInt64, steps: Int = 150, broken: Set<BrokenRule> = []) throws -> Outcome {
        let executor = SimulationExecutor(seed: seed)
        let geometry = geometries[Int(seed % UInt64(geometries.count))]
        let simulation = SetSimulation(seed: seed, geometry: geometry, broken: broken, executor: executor)
        do {
            return try executor.run {
                await simulation.run(steps: steps)
                return Outcome(
                    violation: await simulation.violation, trace: await simulation.trace, reads: await simulation.reads,
                    writes: await simulation.writes)
            }
        } catch {
            return Outcome(violation: "stuck: \(error)", trace: [], reads: 0, writes: 0)
        }
    }
}
