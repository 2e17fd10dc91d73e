import Base

extension DriveEngine {
    package func run() async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.flushLoop() }
                group.addTask { await self.compactionLoop() }
                group.addTask { await self.cleaningLoop() }
                group.addTask { await self.idleLoop() }
            }
        } onCancel: {
            executor.spawn { await self.wakeLoops() }
        }
    }

    private func wakeLoops() {
        for signal in [flushSignal, compactionSignal, cleaningSignal] { signal.raise() }
    }

    private var isRunning: Bool {
        switch phase {
        case .closed, .recovered, .open: !Task.isCancelled
        case .stopping, .stopped: false
        }
    }

    private func flushLoop() async {
        while isRunning {
            await flushSignal.wait()
            guard phase == .open, poisonCause == nil else { continue }
            await attempt { () async throws(DriveError) in
                if needsFlush { try await flush() }
                try await workOffReplaced(upTo: .max)
            }
        }
    }

    private func compactionLoop() async {
        while isRunning {
            await compactionSignal.wait()
            guard phase == .open else { continue }
            await attempt { () async throws(DriveError) in
                while isRunning, try await compactOnce() {}
            }
        }
    }

    private func cleaningLoop() async {
        while isRunning {
            await cleaningSignal.wait()
            guard phase == .open else { continue }
            await attempt { () async throws(DriveError) in
                while isRunning, try await cleanOnce() {}
            }
        }
    }

    /// Once a second: space is measured, the reserve restored, and an idle drive stores its decided position.
    private func idleLoop() async {
        while isRunning {
            do { try await executor.sleep(for: parameters.idleSync) } catch { return }
            guard phase == .open, poisonCause == nil else { continue }
            await measureSpace()
            await restoreReserve()
            await attempt { () async throws(DriveError) in try await storeIfIdle() }
            // Deletes free space without a write that would wake them.
            cleaningSignal.raise()
        }
    }

    /// An idle drive stores the decided position, and releases what was freed since the last flush if that is a segment or more.
    private func storeIfIdle() async throws(DriveError) {
        let (seconds, attoseconds) = parameters.idleSync.components
        let idle = UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
        let state = manifest.state
        guard time.monotonicNanoseconds() >= lastAppend + idle else { return }
        if log.segmentEnds.dropLast().contains(where: { usage.live($0.number) == 0 && pending.isEmpty }) {
            try await flush()
        }
        guard decided > state.decided else { return }
        try await appendToManifest([.decided(decided)])
    }

    /// Background work that failed is tried again when its signal is next raised; a failed write has poisoned the drive.
    private func attempt(_ work: () async throws(DriveError) -> Void) async {
        do throws(DriveError) { try await work() } catch {
            counters.failedBackgroundWork += 1
            lastBackgroundError = error
        }
    }

    package func statistics() -> DriveStatistics {
        var all = counters
        let index = index.statistics
        all.totalBytes = capacityBytes
        all.logBytes = log.allocatedBytes
        all.indexBytes = index.tableBytes
        all.dataBytes = UInt64(allocator.totalPages * ExtentAllocator.pageBytes)
        all.liveDataBytes = liveBytes - tableBytes
        all.freeBytes = capacityBytes > liveBytes ? capacityBytes - liveBytes : 0
        all.syncs = all.batches + dataFiles.syncs
        all.memtableBytes = UInt64(index.memtableBytes)
        all.tables = UInt64(index.tables)
        all.cacheHits = index.cacheHits
        all.cacheMisses = index.cacheMisses
        all.isFull = isFull || isCrowded
        return all
    }

    package func shutDown() async {
        switch phase {
        case .closed, .stopping, .stopped: return
        case .recovered, .open: break
        }
        await log.waitUntilIdle()
        if phase == .open && poisonCause == nil {
            // The log has everything: a last flush only makes the next start short.
            try? await flush()
        }
        await end()
    }

    /// Ends the background work, closes the files and gives the lock back.
    func end() async {
        phase = .stopping
        wakeLoops()
        for gate in [flushGate, compactionGate, cleaningGate, segmentGate, reserveGate] { await gate.enter() }
        await log.close()
        await index.close()
        await dataFiles.close()
        await manifest.close()
        await lock?.close()
        phase = .stopped
        for gate in [flushGate, compactionGate, cleaningGate, segmentGate, reserveGate] { gate.leave() }
    }
}
