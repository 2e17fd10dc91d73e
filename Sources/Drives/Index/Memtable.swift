import Glibc

/// Memory of a memtable: handed out piece by piece, freed as a whole.
final class Arena {
    /// Large enough that the allocator maps it, small enough that an empty memtable costs nothing to speak of.
    private static let chunkBytes = 256 << 10
    private var chunks: [UnsafeMutableRawPointer] = []
    private var next: UnsafeMutableRawPointer?
    private var left = 0
    private(set) var bytes = 0

    deinit {
        for chunk in chunks { chunk.deallocate() }
    }

    func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        let rounded = (count + 7) & ~7
        bytes += rounded
        if rounded > Self.chunkBytes / 4 {
            let own = UnsafeMutableRawPointer.allocate(byteCount: rounded, alignment: 8)
            chunks.append(own)
            return own
        }
        if rounded <= left, let piece = next {
            next = piece + rounded
            left -= rounded
            return piece
        }
        let chunk = UnsafeMutableRawPointer.allocate(byteCount: Self.chunkBytes, alignment: 8)
        chunks.append(chunk)
        next = chunk + rounded
        left = Self.chunkBytes - rounded
        return chunk
    }
}

/// The newest rows, ordered by key: a skip list in an arena.
///
/// Nodes never move and are never removed, so a cursor's node stays good while rows are added. A row that is written again
/// keeps its node and takes the new value. Once frozen nothing changes any more.
final class Memtable {
    /// A node: value pointer (8), value count (4, -1: tombstone), value capacity (4), key count (4), height (4),
    /// one pointer a level (8 each), key.
    struct Node {
        let raw: UnsafeMutableRawPointer

        static func byteCount(height: Int, keyCount: Int) -> Int { 24 + height * 8 + keyCount }

        @inline(__always)
        var height: Int { Int(raw.load(fromByteOffset: 20, as: UInt32.self)) }

        @inline(__always)
        var key: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(
                start: raw + 24 + height * 8, count: Int(raw.load(fromByteOffset: 16, as: UInt32.self)))
        }

        @inline(__always)
        var isTombstone: Bool { raw.load(fromByteOffset: 8, as: Int32.self) < 0 }

        @inline(__always)
        var value: UnsafeRawBufferPointer {
            let count = max(0, Int(raw.load(fromByteOffset: 8, as: Int32.self)))
            return UnsafeRawBufferPointer(start: raw.load(as: UnsafeMutableRawPointer?.self), count: count)
        }

        @inline(__always)
        func next(_ level: Int) -> Node? {
            raw.load(fromByteOffset: 24 + level * 8, as: UnsafeMutableRawPointer?.self).map { Node(raw: $0) }
        }

        @inline(__always)
        func setNext(_ level: Int, _ node: Node?) {
            raw.storeBytes(of: node?.raw, toByteOffset: 24 + level * 8, as: UnsafeMutableRawPointer?.self)
        }
    }

    private static let heightMax = 12
    private let arena = Arena()
    private let head: Node
    private var height = 1
    /// Chooses node heights. Nothing depends on its values but speed, and the same inserts give the same list.
    private var randomState: UInt64 = 0x9E37_79B9_7F4A_7C15
    private let previous: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private(set) var count = 0
    private(set) var isFrozen = false

    init() {
        let raw = arena.allocate(Node.byteCount(height: Self.heightMax, keyCount: 0))
        memset(raw, 0, Node.byteCount(height: Self.heightMax, keyCount: 0))
        raw.storeBytes(of: UInt32(Self.heightMax), toByteOffset: 20, as: UInt32.self)
        head = Node(raw: raw)
        previous = .allocate(capacity: Self.heightMax)
        previous.initialize(repeating: raw, count: Self.heightMax)
    }

    deinit { previous.deallocate() }

    var bytes: Int { arena.bytes }
    var isEmpty: Bool { count == 0 }
    var first: Node? { head.next(0) }

    func freeze() { isFrozen = true }

    /// Writes a row; nil is a tombstone.
    func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) {
        precondition(!isFrozen, "a frozen memtable does not change")
        precondition(
            key.count <= IndexLimits.keyBytes && (value?.count ?? 0) <= IndexLimits.valueBytes,
            "rows are checked against IndexLimits before they are logged")
        if let node = seek(key, recordingPath: true), compareBytes(node.key, key) == 0 {
            set(node, value)
            return
        }
        let nodeHeight = randomHeight()
        if nodeHeight > height {
            for level in height..<nodeHeight { previous[level] = head.raw }
            height = nodeHeight
        }
        let node = Node(raw: arena.allocate(Node.byteCount(height: nodeHeight, keyCount: key.count)))
        node.raw.storeBytes(of: nil, as: UnsafeMutableRawPointer?.self)
        node.raw.storeBytes(of: -1, toByteOffset: 8, as: Int32.self)
        node.raw.storeBytes(of: 0, toByteOffset: 12, as: UInt32.self)
        node.raw.storeBytes(of: UInt32(key.count), toByteOffset: 16, as: UInt32.self)
        node.raw.storeBytes(of: UInt32(nodeHeight), toByteOffset: 20, as: UInt32.self)
        if key.count > 0, let source = key.baseAddress { memcpy(node.raw + 24 + nodeHeight * 8, source, key.count) }
        set(node, value)
        for level in 0..<nodeHeight {
            let before = Node(raw: previous[level])
            node.setNext(level, before.next(level))
            before.setNext(level, node)
        }
        count += 1
    }

    func find(_ key: UnsafeRawBufferPointer) -> Node? {
        guard let node = seek(key), compareBytes(node.key, key) == 0 else { return nil }
        return node
    }

    /// The first node at or after `key`.
    func seek(_ key: UnsafeRawBufferPointer, recordingPath: Bool = false) -> Node? {
        var node = head
        var level = height - 1
        // What stopped the level above stops this one too: no need to compare it again.
        var stop: UnsafeMutableRawPointer?
        while true {
            let next = node.next(level)
            if let next, next.raw != stop, compareBytes(next.key, key) < 0 {
                node = next
                continue
            }
            if recordingPath { previous[level] = node.raw }
            if level == 0 { return next }
            stop = next?.raw
            level -= 1
        }
    }

    private func set(_ node: Node, _ value: UnsafeRawBufferPointer?) {
        guard let value else {
            node.raw.storeBytes(of: -1, toByteOffset: 8, as: Int32.self)
            return
        }
        // Rows that are written over and over, like counters, reuse their memory.
        var memory = node.raw.load(as: UnsafeMutableRawPointer?.self)
        if value.count > Int(node.raw.load(fromByteOffset: 12, as: UInt32.self)) {
            memory = arena.allocate(value.count)
            node.raw.storeBytes(of: memory, as: UnsafeMutableRawPointer?.self)
            node.raw.storeBytes(of: UInt32((value.count + 7) & ~7), toByteOffset: 12, as: UInt32.self)
        }
        if value.count > 0, let memory, let source = value.baseAddress { memcpy(memory, source, value.count) }
        node.raw.storeBytes(of: Int32(value.count), toByteOffset: 8, as: Int32.self)
    }

    /// 1 with probability 3/4, 2 with 3/16, and so on.
    private func randomHeight() -> Int {
        randomState ^= randomState << 13
        randomState ^= randomState >> 7
        randomState ^= randomState << 17
        return min(Self.heightMax, 1 + randomState.trailingZeroBitCount / 2)
    }
}
