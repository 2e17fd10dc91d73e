import Glibc
import Runtime

/// One entry of a block, its lengths checked against the block's end.
struct BlockEntry {
    var shared: Int
    var suffix: UnsafeRawBufferPointer
    var value: UnsafeRawBufferPointer
    var isTombstone: Bool
    /// Offset of the entry behind this one.
    var next: Int
}

/// Rows of one block as they lie in memory. Checksums were verified before; every length is still checked, so that a block
/// that was written wrong is an error and never a stray read.
struct BlockView {
    let slice: BufferSlice
    private let base: UnsafeRawPointer
    /// Where the offsets of the restarts begin: behind the last entry.
    let entriesEnd: Int
    let restartCount: Int

    init(_ slice: BufferSlice, kind: TableFormat.BlockKind) throws(DriveError) {
        let bytes = slice.bytes
        guard let base = bytes.baseAddress, bytes.count >= TableFormat.pageBytes, bytes[8] == kind.rawValue else {
            throw .damagedFormat(what: "table: a block of another kind than its index says")
        }
        let used = Int(UInt32(littleEndian: base.loadUnaligned(fromByteOffset: 12, as: UInt32.self)))
        guard used >= TableFormat.headerBytes + 4, used <= bytes.count else {
            throw .damagedFormat(what: "table block: length out of range")
        }
        let restarts = Int(UInt32(littleEndian: base.loadUnaligned(fromByteOffset: used - 4, as: UInt32.self)))
        guard restarts > 0, restarts <= (used - TableFormat.headerBytes - 4) / 4 else {
            throw .damagedFormat(what: "table block: restarts out of range")
        }
        self.slice = slice
        self.base = base
        restartCount = restarts
        entriesEnd = used - 4 - 4 * restarts
    }

    @inline(__always)
    func restart(_ index: Int) throws(DriveError) -> Int {
        let offset = Int(
            UInt32(littleEndian: base.loadUnaligned(fromByteOffset: entriesEnd + 4 * index, as: UInt32.self)))
        guard offset >= TableFormat.headerBytes, offset < entriesEnd else {
            throw .damagedFormat(what: "table block: a restart lies outside")
        }
        return offset
    }

    @inline(__always)
    func entry(at start: Int) throws(DriveError) -> BlockEntry {
        var offset = start
        let shared: Int, suffix: Int, tag: Int
        if start + 3 <= entriesEnd {
            let a = base.load(fromByteOffset: start, as: UInt8.self)
            let b = base.load(fromByteOffset: start + 1, as: UInt8.self)
            let c = base.load(fromByteOffset: start + 2, as: UInt8.self)
            if (a | b | c) < 0x80 {
                (shared, suffix, tag) = (Int(a), Int(b), Int(c))
                offset = start + 3
            } else {
                (shared, suffix, tag) = (try varint(&offset), try varint(&offset), try varint(&offset))
            }
        } else {
            (shared, suffix, tag) = (try varint(&offset), try varint(&offset), try varint(&offset))
        }
        let valueCount = max(0, tag - 1)
        guard shared + suffix <= IndexLimits.keyBytes, suffix + valueCount <= entriesEnd - offset else {
            throw .damagedFormat(what: "table block: an entry passes the block's end")
        }
        return BlockEntry(
            shared: shared, suffix: UnsafeRawBufferPointer(start: base + offset, count: suffix),
            value: UnsafeRawBufferPointer(start: base + offset + suffix, count: valueCount), isTombstone: tag == 0,
            next: offset + suffix + valueCount)
    }

    /// The whole key at a restart, where nothing is shared.
    @inline(__always)
    func restartEntry(_ index: Int) throws(DriveError) -> BlockEntry {
        let entry = try entry(at: restart(index))
        guard entry.shared == 0 else { throw .damagedFormat(what: "table block: a restart shares a prefix") }
        return entry
    }

    /// The last restart whose key is below `target` (`orEqual`: or equal); nil when there is none.
    @inline(__always)
    func floorRestart(_ target: UnsafeRawBufferPointer, orEqual: Bool) throws(DriveError) -> Int? {
        var low = 0, high = restartCount
        while low < high {
            let middle = (low + high) / 2
            let order = compareBytes(try restartEntry(middle).suffix, target)
            if order < 0 || (orEqual && order == 0) { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }

    /// A length of at most 28 bits.
    private func varint(_ offset: inout Int) throws(DriveError) -> Int {
        var value = 0
        for shift in [0, 7, 14, 21] {
            guard offset < entriesEnd else { break }
            let byte = base.load(fromByteOffset: offset, as: UInt8.self)
            offset += 1
            value |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw .damagedFormat(what: "table block: a length is cut short")
    }
}

/// A block of an index: lower bound of a block's keys → where that block lies. Entry 0 stands for everything below too.
struct IndexBlockView {
    private let view: BlockView

    init(_ slice: BufferSlice, kind: TableFormat.BlockKind) throws(DriveError) {
        view = try BlockView(slice, kind: kind)
    }

    var count: Int { view.restartCount }

    /// The entry whose block holds `target`, if any does.
    @inline(__always)
    func floor(_ target: UnsafeRawBufferPointer) throws(DriveError) -> Int {
        try view.floorRestart(target, orEqual: true) ?? 0
    }

    func lowerBound(_ index: Int) throws(DriveError) -> UnsafeRawBufferPointer { try view.restartEntry(index).suffix }

    @inline(__always)
    func place(_ index: Int) throws(DriveError) -> (page: UInt32, pages: UInt32) {
        let value = try view.restartEntry(index).value
        guard value.count == 8 else { throw .damagedFormat(what: "table index: an entry of the wrong size") }
        return (
            UInt32(littleEndian: value.loadUnaligned(fromByteOffset: 0, as: UInt32.self)),
            UInt32(littleEndian: value.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        )
    }
}

/// A walk over the rows of a data block, whole keys put together in memory of its own.
///
/// The owner calls `free` once.
struct BlockWalk {
    private(set) var view: BlockView?
    private let keyMemory: UnsafeMutableRawPointer
    private var keyCount = 0
    private var next = 0
    private(set) var value = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var isTombstone = false

    init() { keyMemory = .allocate(byteCount: IndexLimits.keyBytes, alignment: 8) }

    func free() { keyMemory.deallocate() }

    @inline(__always)
    var key: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: keyMemory, count: keyCount) }

    mutating func release() { view = nil }

    /// Stands before the first row of a block.
    mutating func start(_ block: BlockView) {
        view = block
        next = TableFormat.headerBytes
        keyCount = 0
    }

    /// Goes to the next row; false at the block's end.
    @inline(__always)
    mutating func step() throws(DriveError) -> Bool {
        guard let view, next < view.entriesEnd else { return false }
        let entry = try view.entry(at: next)
        guard entry.shared <= keyCount else { throw .damagedFormat(what: "table block: shares more than there is") }
        if entry.suffix.count > 0, let suffix = entry.suffix.baseAddress {
            memcpy(keyMemory + entry.shared, suffix, entry.suffix.count)
        }
        keyCount = entry.shared + entry.suffix.count
        value = entry.value
        isTombstone = entry.isTombstone
        next = entry.next
        return true
    }

    /// Goes to the first row at or after `target`; false when all lie before it.
    mutating func seek(_ block: BlockView, _ target: UnsafeRawBufferPointer) throws(DriveError) -> Bool {
        start(block)
        if let restart = try block.floorRestart(target, orEqual: false) { next = try block.restart(restart) }
        while try step() {
            if compareBytes(key, target) >= 0 { return true }
        }
        return false
    }
}
