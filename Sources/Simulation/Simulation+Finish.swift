import Base
import Drives
import ObjectFormat
import Objects
import SimulationSupport

/// The end of a schedule: all drives back, repaired, and everything looked at.
extension Simulation {
    func finish() async {
        trace("finish")
        for set in drives.indices {
            for slot in drives[set].indices {
                let drive = drives[set][slot]
                drive.release()
                drive.clearFaults()
                drive.capacityBytes = nil
                if isAway[set][slot] { drive.comeBack() }
                isAway[set][slot] = false
            }
        }
        await quiesce()
        await mend()
        if let store { await readEverything(store, "at the end") }
        guard isStrict, report.violation == nil else { return }
        // Drives that were damaged or that lied are replaced; those that a fault has poisoned are opened anew.
        replace(tainted)
        endProcess(cutsPower: true)
        await mend()
        guard report.violation == nil else { return }
        guard let store else { return fail("all drives are here, and the store does not open: \(report.lastError)") }
        await readEverything(store, "once all is mended")
        await checkToken(store)
        await checkCounters(store)
        await checkSpace(store)
        guard report.violation == nil else { return }
        await checkRedundancy()
    }

    private static let startsMax = 5

    /// Starts until every drive is in step. The operator declares gone what was emptied, and replaces what can't be opened.
    private func mend() async {
        for attempt in 0..<Self.startsMax where report.violation == nil {
            await startAtLast()
            if store != nil, await isWhole() { return }
            guard attempt < Self.startsMax - 1 else { break }
            if attempt > 0 {
                for set in sets.indices {
                    let whole = status(set).whole
                    replace(tainted[set].subtracting(whole), in: set)
                    lost[set] = lost[set].union(emptied[set].subtracting(whole))
                }
            }
            endProcess(cutsPower: true)
        }
        guard isStrict, report.violation == nil else { return }
        for set in sets.indices where !(await sets[set].isFullyRedundant) {
            let status = status(set)
            let told = status.slots.map {
                "here \($0.isHere), rebuilding \($0.isRebuilding), missed \($0.missed), \($0.problem ?? "")"
            }
            return fail("set \(set) is never whole again (\(status.isWritable)): \(told)")
        }
    }

    private func replace(_ slots: [SlotMask]) { for set in slots.indices { replace(slots[set], in: set) } }

    private func replace(_ slots: SlotMask, in set: Int) {
        for slot in slots.slots {
            trace("replaces drive \(slot) of set \(set)")
            drives[set][slot].replaceWithBlank()
            tainted[set].remove(slot)
            lost[set].insert(slot)
        }
    }

    /// A start that is under way comes to its end, and another is made when the process does not run.
    private func startAtLast() async {
        for _ in 0..<100 where isStarting { try? await executor.sleep(for: .milliseconds(100)) }
        if store == nil { await start() }
    }

    private func isWhole() async -> Bool {
        for _ in 0..<150 {
            guard sets.count == plan.sets else { return false }
            var all = true
            for set in sets where !(await set.isFullyRedundant) { all = false }
            if all { return true }
            try? await executor.sleep(for: .milliseconds(100))
        }
        return false
    }

    private func readEverything(_ store: ObjectStore, _ when: String) async {
        for key in 0..<SimulationKeys.registers {
            if !(await readAtLast { await read(store, key) != nil }), isStrict {
                fail("key \(key) can't be read \(when): \(report.lastError)")
            }
        }
        await list(store)
        for key in 0..<SimulationKeys.onceCount {
            let start = tick()
            let name = SimulationKeys.once(key)
            var last: Found?
            _ = await readAtLast {
                last = await bytes(store, SimulationKeys.plainBucket, name, "once \(key)")
                return last != nil
            }
            guard let found = last else {
                if isStrict { fail("once \(key) can't be read \(when): \(report.lastError)") }
                continue
            }
            if isStrict, let wrong = once[key].see(found.write, from: start, at: tick()) {
                fail("once \(key) \(wrong) \(when)")
            }
        }
        for key in 0..<SimulationKeys.historyCount { await checkHistory(store, key, when) }
    }

    /// A drive that is found to have gone is back when it has been opened again.
    private func readAtLast(_ read: () async -> Bool) async -> Bool {
        for _ in 0..<5 {
            if await read() { return true }
            try? await executor.sleep(for: .seconds(2))
        }
        return false
    }

    private func checkHistory(_ store: ObjectStore, _ key: Int, _ when: String) async {
        var options = ListVersionsOptions(), found: [(id: VersionID, write: Int)] = []
        options.prefix = SimulationKeys.history(key)
        do throws(ObjectError) {
            let page = try await store.listVersions(
                SimulationKeys.versionedBucket, tenant: .default, options: options)
            for case .version(let info, _) in page.entries {
                var read: Found?
                _ = await readAtLast {
                    read = await bytes(
                        store, SimulationKeys.versionedBucket, info.key, "version \(info.version)",
                        version: info.version)
                    return read != nil
                }
                guard let write = read?.write else {
                    if isStrict { fail("version \(info.version) can't be read \(when): \(report.lastError)") }
                    return
                }
                found.append((info.version, write))
            }
        } catch {
            if isStrict { fail("the versions of \(key) can't be listed \(when): \(error)") }
            return
        }
        if isStrict, let wrong = histories[key].check(found) { fail("history \(key), \(when): \(wrong)") }
    }

    /// A rename moves: the object is under one key, never under two or none.
    private func checkToken(_ store: ObjectStore) async {
        var places: [Int] = []
        for place in 0..<SimulationKeys.tokenPlaces {
            let found = await bytes(store, SimulationKeys.plainBucket, SimulationKeys.token(place), "token \(place)")
            if found?.write == 0 { places.append(place) }
        }
        if places.count != 1 { fail("the object that is renamed is under keys \(places)") }
    }

    private func checkCounters(_ store: ObjectStore) async {
        for bucket in [SimulationKeys.plainBucket, SimulationKeys.versionedBucket] {
            do throws(ObjectError) {
                let page = try await store.listVersions(bucket, tenant: .default, options: ListVersionsOptions())
                var counted = Counter()
                for case .version(let info, let isLatest) in page.entries where !info.isDeleteMarker {
                    counted.objects += isLatest ? 1 : 0
                    counted.versions += 1
                    counted.bytes += info.size
                }
                let usage = try await store.usage(bucket, tenant: .default)
                if usage != counted { fail("\(bucket) has \(counted), and \(usage) is counted") }
            } catch { fail("\(bucket) can't be counted: \(error)") }
        }
    }

    /// With all uploads gone and everything freed, each drive's allocator has what its index names and nothing more.
    private func checkSpace(_ store: ObjectStore) async {
        do throws(ObjectError) {
            for bucket in [SimulationKeys.plainBucket, SimulationKeys.versionedBucket] {
                let uploads = try await store.listUploads(bucket, tenant: .default, options: ListUploadsOptions())
                for case .upload(let upload) in uploads.entries {
                    try await store.abortUpload(bucket, upload.key, upload: upload.upload, tenant: .default)
                }
            }
            try await store.sweepToFree()
        } catch { return fail("uploads can't be aborted: \(error)") }
        try? await executor.sleep(for: .seconds(4))
        for set in engines.indices {
            for slot in engines[set].indices {
                guard let engine = engines[set][slot] else { continue }
                do throws(DriveError) {
                    try await engine.flush()
                    let found = try await engine.verify()
                    // What a damaged table names can't be compared.
                    if !found.isClean, !tainted[set].contains(slot) {
                        fail("drive \(slot) of set \(set): \(found)")
                    }
                } catch {
                    if !tainted[set].contains(slot) { fail("drive \(slot) of set \(set) can't be verified: \(error)") }
                }
            }
        }
    }

    /// As many drives as there is parity are taken away: what was called fully redundant is.
    private func checkRedundancy() async {
        guard plan.geometry.parity > 0 else { return }
        endProcess(cutsPower: true)
        for set in drives.indices {
            var away = tainted[set]
            var slot = Int(plan.seed % UInt64(slots))
            while away.count < plan.geometry.parity {
                away.insert(slot)
                slot = (slot + 1) % slots
            }
            for slot in away.slots {
                isAway[set][slot] = true
                drives[set][slot].goAway()
            }
        }
        await startAtLast()
        guard let store else { return fail("with parity drives away the store does not open: \(report.lastError)") }
        await readEverything(store, "with parity drives away")
    }
}
