/// The bytes of a file, holes for free: 4 KiB pages, shared between copies until one is written.
package struct SparseBytes: Sendable {
    private static let pageBytes = 4096
    private var pages: [UInt64: [UInt8]] = [:]

    package init() {}

    /// Pages that hold bytes.
    var pageCount: Int { pages.count }

    func hasPage(at offset: UInt64) -> Bool { pages[offset / UInt64(Self.pageBytes)] != nil }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) {
        Self.forEachPage(offset, buffer.count) { page, start, position, count in
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[position..<position + count])
            guard let bytes = pages[page] else {
                _ = target.initializeMemory(as: UInt8.self, repeating: 0)
                return
            }
            bytes.withUnsafeBytes {
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
            }
        }
    }

    package func bytes(at offset: UInt64, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
            initialized = count
        }
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) {
        Self.forEachPage(offset, bytes.count) { page, start, position, count in
            pages[page, default: [UInt8](repeating: 0, count: Self.pageBytes)].withUnsafeMutableBytes {
                UnsafeMutableRawBufferPointer(rebasing: $0[start..<start + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
            }
        }
    }

    /// Forgets everything from `size` on.
    mutating func truncate(_ size: UInt64) {
        let pageBytes = UInt64(Self.pageBytes)
        let kept = (size + pageBytes - 1) / pageBytes
        pages = pages.filter { $0.key < kept }
        let tail = Int(size % pageBytes)
        guard tail != 0 else { return }
        pages[size / pageBytes]?.withUnsafeMutableBytes {
            UnsafeMutableRawBufferPointer(rebasing: $0[tail...]).copyBytes(
                from: repeatElement(0, count: $0.count - tail))
        }
    }

    private static func forEachPage(
        _ offset: UInt64, _ count: Int, _ body: (_ page: UInt64, _ start: Int, _ position: Int, _ count: Int) -> Void
    ) {
        var position = 0
        while position < count {
            let at = offset + UInt64(position)
            let start = Int(at % UInt64(pageBytes))
            let piece = min(count - position, pageBytes - start)
            body(at / UInt64(pageBytes), start, position, piece)
            position += piece
        }
    }
}

/// A file on the simulated drive: what a reader sees, what is certainly on the medium, and the changes between the two.
final class SimulatedInode {
    enum Change {
        case write([UInt8], at: UInt64)
        case size(UInt64)
    }

    static let sectorBytes = 512

    var current = SparseBytes()
    var size: UInt64 = 0
    var durable = SparseBytes()
    var durableSize: UInt64 = 0
    /// Changes that no sync covers, oldest first, with the number of the operation that made them.
    var unsynced: [(operation: Int, change: Change)] = []
    /// Space promised by `allocate`.
    var reserved: UInt64 = 0
    /// Sectors whose reading fails until they are written again.
    var unreadable: Set<UInt64> = []
    var isLocked = false

    var allocatedBytes: UInt64 { max(reserved, UInt64(current.pageCount) * 4096) }

    func write(_ bytes: [UInt8], at offset: UInt64, operation: Int) {
        bytes.withUnsafeBytes { current.write($0, at: offset) }
        size = max(size, offset + UInt64(bytes.count))
        unsynced.append((operation, .write(bytes, at: offset)))
        guard !unreadable.isEmpty else { return }
        for sector in Self.sectors(offset, bytes.count) { unreadable.remove(sector) }
    }

    func setSize(_ newSize: UInt64, operation: Int) {
        if newSize < size {
            current.truncate(newSize)
            reserved = min(reserved, (newSize + 4095) & ~4095)
        }
        size = newSize
        unsynced.append((operation, .size(newSize)))
    }

    /// Makes the changes of the operations that a sync covers durable.
    func sync(covering isCovered: (Int) -> Bool) {
        var later: [(operation: Int, change: Change)] = []
        for (number, change) in unsynced {
            guard isCovered(number) else {
                later.append((number, change))
                continue
            }
            switch change {
            case .write(let bytes, let offset):
                bytes.withUnsafeBytes { durable.write($0, at: offset) }
                durableSize = max(durableSize, offset + UInt64(bytes.count))
            case .size(let size):
                if size < durableSize { durable.truncate(size) }
                durableSize = size
            }
        }
        unsynced = later
    }

    /// Un-synced changes that a failed sync has marked clean: still seen by readers, but no later sync writes them out.
    func forgetUnsynced(_ random: inout SplitMix64) {
        unsynced = unsynced.filter { _ in random.chance(0.5) }
    }

    /// Settles what the medium holds after the power went: of every un-synced change any part, sector by sector.
    func cutPower(_ random: inout SplitMix64, keeping probability: Double) {
        for (_, change) in unsynced {
            switch change {
            case .size(let size):
                guard random.chance(probability) else { continue }
                if size < durableSize { durable.truncate(size) }
                durableSize = size
            case .write(let bytes, let offset):
                keepSectors(of: bytes, at: offset, &random, probability)
                let end = offset + UInt64(bytes.count)
                if end > durableSize && random.chance(probability) { durableSize = end }
            }
        }
        durable.truncate(durableSize)
        revertToDurable()
    }

    func revertToDurable() {
        unsynced = []
        current = durable
        size = durableSize
        isLocked = false
    }

    private func keepSectors(
        of bytes: [UInt8], at offset: UInt64, _ random: inout SplitMix64, _ probability: Double
    ) {
        bytes.withUnsafeBytes { raw in
            var position = 0
            while position < raw.count {
                let toBoundary = Self.sectorBytes - Int((offset + UInt64(position)) % UInt64(Self.sectorBytes))
                let count = min(raw.count - position, toBoundary)
                if random.chance(probability) {
                    let piece = UnsafeRawBufferPointer(rebasing: raw[position..<position + count])
                    durable.write(piece, at: offset + UInt64(position))
                }
                position += count
            }
        }
    }

    func copy() -> SimulatedInode {
        let copy = SimulatedInode()
        (copy.current, copy.size, copy.durable, copy.durableSize) = (current, size, durable, durableSize)
        (copy.unsynced, copy.reserved, copy.unreadable) = (unsynced, reserved, unreadable)
        return copy
    }

    static func sectors(_ offset: UInt64, _ count: Int) -> Range<UInt64> {
        let first = offset / UInt64(sectorBytes)
        guard count > 0 else { return first..<first }
        return first..<(offset + UInt64(count) - 1) / UInt64(sectorBytes) + 1
    }
}
