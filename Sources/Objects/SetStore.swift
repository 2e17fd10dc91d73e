package import Base
package import Drives
package import ObjectFormat
package import Runtime

/// What objects need of one erasure set: an ordered namespace with atomic commits, and data that survives the loss of drives.
///
/// `ErasureSet` is the real one. Calls are made inside `withTaskExecutorPreference(store.executor)`, so that a request crosses
/// to the set's loop once.
package protocol SetStore: Actor {
    nonisolated var executor: any PinnedExecutor { get }
    /// Data and parity shards that new data gets.
    nonisolated var geometry: Geometry { get }

    // MARK: Reading the namespace (rule 4)

    func row(_ key: IndexKey) async throws(SetError) -> SetRow?
    /// The first row whose key starts with `prefix`.
    func firstRow(prefix: [UInt8]) async throws(SetError) -> SetRow?
    /// Rows in key order from `start` (inclusive) to `end` (exclusive), at most `limit`; fewer only at the end of the range.
    func rows(from start: IndexKey, to end: IndexKey, limit: Int) async throws(SetError) -> [SetRow]

    /// The same rows in one piece of memory: what listings read.
    func page(from start: IndexKey, to end: IndexKey, limit: Int) async throws(SetError) -> RowPage

    // MARK: Changing it

    /// Takes the writers' lock of each name, in order; waits for those that are held. A key stays locked while its commit is
    /// undecided. Names are whatever the caller serialises by (an object's key prefix, an upload).
    func lock(_ names: [LockName]) async throws(SetError) -> KeyLock
    func unlock(_ lock: KeyLock)
    /// One atomic change. Returns when it is acknowledged (rule 1). `build` gets the commit's position, which version keys contain,
    /// and is called in the step that gives the position; it must not suspend. Fails with the change not made, or with
    /// `.outcomeUnknown` when a later read decides.
    func commit(_ build: @Sendable (Position) -> [SetChange]) async throws(SetError) -> Position

    /// Objects, versions and bytes counted by decided commits (rule 16).
    func counter(_ key: CounterKey) async throws(SetError) -> Counter

    // MARK: Data

    /// Starts staging data. `hint` is its length if known. Nothing is visible until a commit attaches what `finish` returns.
    func stage(hint: Int64?) async throws(SetError) -> any DataStager
    /// Opens attached data for reading and pins it until the reader is closed. `row` is the row that carries the data: the version
    /// row for packed data, any row naming the layout for large data.
    func open(_ layout: DataLayout, of row: SetRow, range: ByteRange?) async throws(SetError) -> any DataReader
}

extension SetStore {
    package func page(from start: IndexKey, to end: IndexKey, limit: Int) async throws(SetError) -> RowPage {
        RowPage(
            try await rows(from: start, to: end, limit: limit).map {
                IndexEntry(key: $0.key, revision: $0.revision, payload: $0.payload, stored: .none)
            })
    }

    /// Of all the buckets together, in one call.
    package func counter(sum buckets: [BucketID]) async throws(SetError) -> Counter {
        var sum = Counter()
        for bucket in buckets { sum.add(try await counter(CounterKey(bucket: bucket))) }
        return sum
    }
}

package struct LockName: Hashable, Comparable, Sendable {
    package var bytes: [UInt8]
    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package static func < (lhs: LockName, rhs: LockName) -> Bool { lhs.bytes.lexicographicallyPrecedes(rhs.bytes) }
}

package struct KeyLock: Sendable {
    package let names: [LockName]
    package let token: UInt64
    package init(names: [LockName], token: UInt64) {
        self.names = names
        self.token = token
    }
}

package struct SetRow: Sendable {
    package var key: IndexKey
    package var revision: Position
    package var payload: [UInt8]
    package init(key: IndexKey, revision: Position, payload: [UInt8]) {
        self.key = key
        self.revision = revision
        self.payload = payload
    }
}

package enum SetChange: Sendable {
    /// `data` is attached to this row: packed data lies in the row's own record, large data gets rows of the data space.
    case put(key: IndexKey, payload: [UInt8], data: (any StagedData)?)
    case delete(key: IndexKey)
    /// Deletes the rows of large data, freeing its space (rule 7).
    case deleteData(DataLayout)
    /// Adds to a counter kept by the set (rule 16): objects, versions and bytes of a bucket.
    case count(CounterKey, objects: Int64, versions: Int64 = 0, bytes: Int64)
}

package struct CounterKey: Hashable, Comparable, Sendable {
    package var bucket: BucketID
    package init(bucket: BucketID) { self.bucket = bucket }
    package static func < (lhs: CounterKey, rhs: CounterKey) -> Bool { lhs.bucket < rhs.bucket }
}

package struct Counter: Hashable, Sendable {
    /// Keys whose newest version is not a delete marker.
    package var objects: Int64
    /// Versions that are not delete markers, the current ones among them.
    package var versions: Int64
    /// Of all versions.
    package var bytes: Int64
    package init(objects: Int64 = 0, versions: Int64 = 0, bytes: Int64 = 0) {
        self.objects = objects
        self.versions = versions
        self.bytes = bytes
    }

    package mutating func add(_ other: Counter) {
        objects += other.objects
        versions += other.versions
        bytes += other.bytes
    }
}

/// Takes an object's bytes in order and stages them on the drives, a bounded number of stripes in flight.
package protocol DataStager: AnyObject, Sendable {
    /// The buffer to fill next, at most one stripe. Suspends while too many stripes are in flight.
    func nextBuffer() async throws(SetError) -> BufferSlice
    /// Says that the first `count` bytes of the buffer are filled. A count below the buffer's ends the data.
    func filled(_ count: Int) async throws(SetError)
    /// Waits until everything staged is durable. The result goes into a commit, or into `abandon`.
    func finish() async throws(SetError) -> any StagedData
    /// Frees what was staged. Safe at any time before the commit.
    func abandon() async
}

/// Staged data, slot by slot: what the commit that names it attaches on each drive.
package protocol StagedData: AnyObject, Sendable {
    var layout: DataLayout { get }
    /// Slots whose drive has its share durable (large data) or in hand (packed): no other drive is sent the commit.
    var slots: SlotMask { get }
    /// What `slot` attaches to the row itself: its packed share, or `.none`.
    func attachment(slot: Int) -> Attachment
    /// Rows of the data space that the commit adds for large data: `KeySpace.data` ‖ id ‖ chunk number, 0 ..< chunkCount.
    var chunkCount: Int { get }
    func chunk(_ chunk: Int, slot: Int) -> Attachment
    /// The commit that names the data is in the logs of these slots' drives: its space there belongs to the drives now, whatever
    /// becomes of the commit. A drive that has gone late meanwhile was not sent it, and its space is free again.
    func handedOver(to taken: SlotMask)
}

/// The drives of a set as staging and reading see them: a snapshot taken when the stager or reader is made.
package struct SetDrives: Sendable {
    package var geometry: Geometry
    /// By slot; nil when the drive can't be used for this.
    package var drives: [(any Drive)?]
    /// The slot of the first data shard of new data: changes from object to object.
    package var rotation: UInt8
    /// Told of every drive call that failed.
    package var faults: any DriveFaultSink
    package init(geometry: Geometry, drives: [(any Drive)?], rotation: UInt8, faults: any DriveFaultSink) {
        self.geometry = geometry
        self.drives = drives
        self.rotation = rotation
        self.faults = faults
    }
}

/// Hears of failed drive calls: an I/O error puts the drive away, damage goes to the repair list.
package protocol DriveFaultSink: AnyObject, Sendable {
    func driveFailed(slot: Int, _ error: DriveError, key: IndexKey?)
}

/// Staging, reading and rebuilding of data over a set's drives. Sources/Objects/Data implements it; the set calls it.
package protocol DataPlane: Sendable {
    func stage(hint: Int64?, on drives: SetDrives) throws(SetError) -> any DataStager
    /// Shares of data count only from drives whose row has the revision of `row`.
    func open(_ layout: DataLayout, of row: SetRow, range: ByteRange?, on drives: SetDrives) async throws(SetError)
        -> any DataReader
    /// What `slot` must attach to the row `key` of that revision, made from the other drives' shares. For coded data `key` is
    /// one row of the data space. `shares` are attachments that were found in undecided records: they count like rows.
    func rebuild(
        _ layout: DataLayout, key: IndexKey, revision: Position, slot: Int, shares: [Int: Attachment],
        on drives: SetDrives
    ) async throws(SetError) -> Attachment
}

/// Reads data front to back, verified before a byte is handed out.
package protocol DataReader: AnyObject, Sendable {
    /// The next run of bytes; nil at the end. The slice stays valid while referenced.
    func next() async throws(SetError) -> BufferSlice?
    /// Unpins. Must be called on every path.
    func close() async
}

package enum SetError: Error, Sendable {
    /// Fewer drives than a read needs, or the row is open (rule 6): 503 until drives return.
    case readQuorumLost(detail: String)
    /// Fewer drives than a write needs.
    case writeQuorumLost(detail: String)
    case noSpace
    /// More shards are damaged or gone than parity covers: data lost.
    case dataLost(detail: String)
    case outcomeUnknown
    /// The row changed between `row` and `open`: read the row again.
    case superseded
    /// Too much is queued: SlowDown.
    case overloaded
    case shutDown
}
