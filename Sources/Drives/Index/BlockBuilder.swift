import Glibc

/// Builds one block of rows: entries with shared key prefixes, then the offsets of those that share nothing.
///
/// The owner calls `free` once.
struct BlockBuilder {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var lastKey = ByteString()
    private var restarts: [UInt32] = []
    private var sinceRestart = 0
    private let restartInterval: Int
    /// Large rows have a restart more often: reading past one costs a trip to memory, a restart only a prefix.
    private static let restartBytes = 2048
    private(set) var entries = 0
    private var end = TableFormat.headerBytes

    /// Index blocks share nothing (interval 1), so that any entry is found without reading those before it.
    init(restartInterval: Int) {
        self.restartInterval = restartInterval
        capacity = 32 << 10
        base = .allocate(byteCount: capacity, alignment: 8)
    }

    func free() {
        base.deallocate()
        lastKey.free()
    }

    var isEmpty: Bool { entries == 0 }
    /// Bytes of the block as it is, offsets included.
    var usedBytes: Int { end + 4 * restarts.count + 4 }

    /// Bytes of the block with one more entry, at most.
    func usedBytes(adding key: UnsafeRawBufferPointer, valueBytes: Int) -> Int {
        usedBytes + key.count + valueBytes + 3 * 5 + 4
    }

    /// Adds an entry behind the others; nil is a tombstone.
    mutating func add(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) {
        var shared = 0
        let bytesSince = end - Int(restarts.last ?? 0)
        if sinceRestart == 0 || sinceRestart == restartInterval || bytesSince >= Self.restartBytes {
            restarts.append(UInt32(end))
            sinceRestart = 0
        } else {
            shared = commonPrefixCount(lastKey.bytes, key)
        }
        let suffix = UnsafeRawBufferPointer(rebasing: key[shared...])
        reserve(suffix.count + (value?.count ?? 0) + 15)
        putVarint(shared)
        putVarint(suffix.count)
        putVarint(value.map { $0.count + 1 } ?? 0)
        put(suffix)
        if let value { put(value) }
        lastKey.truncate(to: shared)
        lastKey.append(suffix)
        sinceRestart += 1
        entries += 1
    }

    /// The last key that was added.
    var last: UnsafeRawBufferPointer { lastKey.bytes }

    /// Writes the block into `memory`, which is whole pages and large enough, and starts an empty one.
    mutating func finish(
        into memory: UnsafeMutableRawBufferPointer, kind: TableFormat.BlockKind, table: UInt64, page: UInt32
    ) {
        reserve(4 * restarts.count + 4)
        for offset in restarts { putWord(offset) }
        putWord(UInt32(restarts.count))
        precondition(end <= memory.count, "the caller sized the memory by usedBytes")
        if let target = memory.baseAddress {
            memcpy(target + 16, base + 16, end - 16)
            memset(target + end, 0, memory.count - end)
        }
        TableFormat.seal(memory, kind: kind, used: end, table: table, page: page)
        restarts.removeAll(keepingCapacity: true)
        sinceRestart = 0
        entries = 0
        end = TableFormat.headerBytes
        lastKey.truncate(to: 0)
    }

    private mutating func reserve(_ bytes: Int) {
        guard end + bytes > capacity else { return }
        let newCapacity = max(end + bytes, capacity * 2)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 8)
        memcpy(larger, base, end)
        base.deallocate()
        base = larger
        capacity = newCapacity
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        if bytes.count > 0, let source = bytes.baseAddress { memcpy(base + end, source, bytes.count) }
        end += bytes.count
    }

    private mutating func putWord(_ word: UInt32) {
        base.storeBytes(of: word.littleEndian, toByteOffset: end, as: UInt32.self)
        end += 4
    }

    private mutating func putVarint(_ value: Int) {
        var rest = UInt(value)
        while rest >= 0x80 {
            base.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: end, as: UInt8.self)
            end += 1
            rest >>= 7
        }
        base.storeBytes(of: UInt8(rest), toByteOffset: end, as: UInt8.self)
        end += 1
    }
}
