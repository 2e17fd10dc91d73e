import Drives
import Glibc

/// A drive that exists in memory only: the medium, the cache above it, and every way in which they can fail.
///
/// The fault model, as a contract:
/// - **Durable and volatile.** A write that has returned is seen by readers. It is durable when a `sync` of its file that was
///   called after it returned has returned. Until then the power may take it: `powerCut` keeps any subset of the 512-byte sectors
///   of every un-synced write, also of writes under way; older un-synced versions of a sector may show up; the size of the file
///   may be any that it had since the last sync.
/// - **Names.** Creations, renames and removals are durable when a `syncDirectory` of their directory has returned. Until then
///   `powerCut` keeps any subset of them; each is kept whole or lost whole, a rename too. Syncing a file does not make its name
///   durable. A file without a durable name is gone.
/// - **Kill.** `kill` ends the process: the calls under way take effect or not, what was written stays seen, what was un-synced
///   stays un-synced. The next mount sees the same files.
/// - **Order.** Each call takes a time chosen from the seed on the simulated clock, so calls that are under way together end
///   in any order. Calls on one file are not ordered either.
/// - **Space.** With `capacityBytes` set, allocations beyond it are `.noSpace`. Space reserved by `allocate` can be written.
/// - **Direct files** take addresses, offsets and lengths that are multiples of 4 KiB, else EINVAL, as the kernel does. A buffer
///   that changes while it is being written traps.
/// - **Commanded faults**: see `SimulatedFault`; besides these `stall`/`release`, `goAway`/`comeBack`, `replaceWithBlank`,
///   `image`/`restore` (an outdated drive), `flipBits` and `makeUnreadable` (damage at rest).
/// - After a power cut, kill, replacement or absence the old mount and its files are dead: their calls fail with EIO and change
///   nothing. `files` is the new mount.
///
/// One seed, one course of events. How many drives of a set may fail at once is for the test to decide: at most its parity, if it
/// expects the data back.
// SAFETY: everything here is touched on the thread that runs the simulation only: by calls, which suspend on its executor, by its
// clock's timers, and by the test between runs. Each entry checks it.
package final class SimulatedDrive: @unchecked Sendable {
    /// A change of the directory tree that is kept or lost as one.
    struct NameChange {
        var directories: [String]
        /// nil removes the name.
        var names: [(path: String, inode: SimulatedInode?)]
        var madeDirectory: String?
    }

    /// A drive's contents at a moment, to be put back later.
    package struct Image: @unchecked Sendable {
        // SAFETY: the inodes are copies that nothing else refers to; `restore` copies them again.
        fileprivate let names: [(path: String, inode: SimulatedInode)]
        fileprivate let directories: Set<String>
    }

    package let executor: SimulationExecutor
    /// Nil is a drive without end.
    package var capacityBytes: UInt64?
    /// Bounds of the time that a call takes, in nanoseconds.
    package var latency: ClosedRange<UInt64> = 20_000...400_000
    /// Calls begun since the drive was made.
    package internal(set) var operationCount = 0
    /// Syncs of files that have succeeded.
    package internal(set) var syncCount = 0

    var random: SplitMix64
    var names: [String: SimulatedInode] = [:]
    var directories: Set<String> = [""]
    var durableNames: [String: SimulatedInode] = [:]
    var durableDirectories: Set<String> = [""]
    var nameChanges: [(operation: Int, change: NameChange)] = []

    var generation = 0
    var isAway = false
    var faults: [SimulatedFault] = []
    var stalledPrefix: String?
    var underWay: [Int: SimulatedOperation] = [:]
    private var mount: SimulatedFiles?

    package init(executor: SimulationExecutor, seed: UInt64, capacityBytes: UInt64? = nil) {
        self.executor = executor
        self.capacityBytes = capacityBytes
        random = SplitMix64(seed: seed)
    }

    /// The drive as the process that runs now has opened it.
    package var files: SimulatedFiles {
        if let mount, mount.generation == generation { return mount }
        let fresh = SimulatedFiles(drive: self, generation: generation)
        mount = fresh
        return fresh
    }

    // MARK: Faults to come

    package func inject(_ fault: SimulatedFault) { faults.append(fault) }
    package func clearFaults() { faults = [] }

    /// From now on calls on these paths (or on all) do not return, until `release`.
    package func stall(pathPrefix: String = "") { stalledPrefix = pathPrefix }

    /// Lets every stalled call go on.
    package func release() {
        stalledPrefix = nil
        for operation in inOrder(underWay) where operation.isHeld {
            operation.isHeld = false
            scheduleEnd(of: operation)
        }
    }

    // MARK: Ends of a mount

    /// The power goes and comes back: what the medium holds is settled, everything volatile is gone.
    package func powerCut() {
        // One bias for the whole cut: all lost, nearly all lost, a mixture, nearly all kept, all kept.
        let keeping = [0, 0.1, 0.5, 0.9, 1][random.below(5)]
        for operation in inOrder(underWay) { applyPartly(operation) }
        endMount()
        var kept: [(operation: Int, change: NameChange)] = []
        for entry in nameChanges where random.chance(keeping) { kept.append(entry) }
        for (_, change) in kept { makeDurable(change) }
        nameChanges = []
        names = durableNames
        directories = durableDirectories
        for (_, inode) in sortedNames { inode.cutPower(&random, keeping: keeping) }
    }

    /// The process dies: nothing more of it takes effect, what it wrote stays as it is.
    package func kill() {
        for operation in inOrder(underWay) where random.chance(0.5) { applyPartly(operation) }
        endMount()
        for (_, inode) in sortedNames { inode.isLocked = false }
    }

    /// The drive is pulled: every call fails until `comeBack`. What was un-synced is settled as by a power cut.
    package func goAway() {
        powerCut()
        isAway = true
    }

    package func comeBack() { isAway = false }

    /// Another drive, never used, is in the slot.
    package func replaceWithBlank() {
        endMount()
        (names, durableNames, nameChanges) = ([:], [:], [])
        (directories, durableDirectories) = ([""], [""])
        isAway = false
    }

    /// What the medium holds for certain.
    package func image() -> Image {
        Image(
            names: durableNames.sorted { $0.key < $1.key }.map { ($0.key, $0.value.copy()) },
            directories: durableDirectories)
    }

    /// Puts back what the drive held once: an outdated drive is in the slot.
    package func restore(_ image: Image) {
        endMount()
        (durableDirectories, directories, nameChanges) = (image.directories, image.directories, [])
        durableNames = [:]
        for (path, inode) in image.names {
            let copy = inode.copy()
            copy.revertToDurable()
            durableNames[path] = copy
        }
        names = durableNames
    }

    private func endMount() {
        generation += 1
        let ended = inOrder(underWay)
        underWay = [:]
        stalledPrefix = nil
        for operation in ended { operation.fail(.system(call: operation.name, path: operation.path, errno: EIO)) }
    }

    func makeDurable(_ change: NameChange) {
        if let directory = change.madeDirectory { durableDirectories.insert(directory) }
        for (path, inode) in change.names { durableNames[path] = inode }
    }

    // MARK: Damage at rest, and looking at the medium

    /// Names of all files, sorted.
    package var paths: [String] { names.keys.sorted() }

    package func size(of path: String) -> UInt64? { names[path]?.size }

    package func bytes(of path: String) -> [UInt8]? {
        names[path].map { $0.current.bytes(at: 0, count: Int($0.size)) }
    }

    /// Turns `count` bits, chosen by the seed, in a range of a file, on the medium.
    package func flipBits(in path: String, _ range: Range<UInt64>, count: Int = 1) {
        for _ in 0..<count {
            let offset = range.lowerBound + UInt64(random.below(range.count))
            let bit = UInt8(1) << UInt8(random.below(8))
            guard let old = names[path]?.current.bytes(at: offset, count: 1) else { return }
            overwrite(path, at: offset, [old[0] ^ bit])
        }
    }

    /// Changes bytes on the medium behind the back of whoever uses the drive.
    package func overwrite(_ path: String, at offset: UInt64, _ bytes: [UInt8]) {
        guard let inode = names[path] else { return }
        bytes.withUnsafeBytes {
            inode.current.write($0, at: offset)
            inode.durable.write($0, at: offset)
        }
        let end = offset + UInt64(bytes.count)
        (inode.size, inode.durableSize) = (max(inode.size, end), max(inode.durableSize, end))
    }

    /// Reads of these bytes fail with EIO until they are written again.
    package func makeUnreadable(_ path: String, _ range: Range<UInt64>) {
        names[path]?.unreadable.formUnion(SimulatedInode.sectors(range.lowerBound, range.count))
    }

    var sortedNames: [(key: String, value: SimulatedInode)] { names.sorted { $0.key < $1.key } }

    func inOrder(_ operations: [Int: SimulatedOperation]) -> [SimulatedOperation] {
        operations.values.sorted { $0.number < $1.number }
    }

    /// Space in use. Files without a name do not count: nothing here keeps one open for long.
    var usedBytes: UInt64 { names.values.reduce(0) { $0 + $1.allocatedBytes } }
}
