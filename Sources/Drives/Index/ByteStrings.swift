import Glibc

/// Bytes compared as unsigned numbers, a prefix before what it starts: below, equal or above zero, as memcmp.
@inline(__always)
func compareBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    let common = min(left.count, right.count)
    if common > 0, let a = left.baseAddress, let b = right.baseAddress {
        let order = memcmp(a, b, common)
        if order != 0 { return Int(order) }
    }
    return left.count - right.count
}

@inline(__always)
func commonPrefixCount(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    let limit = min(left.count, right.count)
    guard limit > 0, let a = left.baseAddress, let b = right.baseAddress else { return 0 }
    var i = 0
    while i + 8 <= limit {
        let difference =
            a.loadUnaligned(fromByteOffset: i, as: UInt64.self) ^ b.loadUnaligned(fromByteOffset: i, as: UInt64.self)
        if difference != 0 { return i + UInt64(littleEndian: difference).trailingZeroBitCount / 8 }
        i += 8
    }
    while i < limit, a.load(fromByteOffset: i, as: UInt8.self) == b.load(fromByteOffset: i, as: UInt8.self) { i += 1 }
    return i
}

/// The smallest byte string above everything that starts with `prefix`; nil when there is none (all FF, or empty).
func successor(ofPrefix prefix: [UInt8]) -> [UInt8]? {
    guard let last = prefix.lastIndex(where: { $0 != 0xFF }) else { return nil }
    var bytes = Array(prefix[...last])
    bytes[last] += 1
    return bytes
}

/// A byte string with its own memory, rewritten in place: a cursor's key, target or bound.
///
/// The owner calls `free` once, in its deinit.
struct ByteString {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 256) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 8)
    }

    func free() { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    @inline(__always)
    mutating func set(_ bytes: UnsafeRawBufferPointer) {
        truncate(to: 0)
        append(bytes)
    }

    @inline(__always)
    mutating func set(_ bytes: [UInt8]) { bytes.withUnsafeBytes { set($0) } }

    @inline(__always)
    mutating func truncate(to newCount: Int) { count = newCount }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if count + bytes.count > capacity { grow(to: count + bytes.count) }
        if bytes.count > 0, let source = bytes.baseAddress { memcpy(base + count, source, bytes.count) }
        count += bytes.count
    }

    mutating func append(_ byte: UInt8) {
        if count + 1 > capacity { grow(to: count + 1) }
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    private mutating func grow(to needed: Int) {
        let larger = UnsafeMutableRawPointer.allocate(byteCount: max(needed, capacity * 2), alignment: 8)
        memcpy(larger, base, count)
        base.deallocate()
        base = larger
        capacity = max(needed, capacity * 2)
    }
}

extension IndexKey {
    /// True when every well-formed key that starts with `prefix` has exactly `prefix` as its filter prefix: a whole version
    /// key without its position. The terminator 00 00 can't lie inside, since 00 is written 00 FF.
    static func isFilterPrefix(_ prefix: [UInt8]) -> Bool {
        let start = 1 + 8
        guard prefix.count >= start + 2, prefix[0] == KeySpace.version.rawValue else { return false }
        var i = start
        while i + 1 < prefix.count {
            if prefix[i] != 0 {
                i += 1
            } else if prefix[i + 1] == 0 {
                return i + 2 == prefix.count
            } else {
                i += 2
            }
        }
        return false
    }

    /// `filterPrefixCount` for bytes that are not in an `IndexKey`.
    static func filterPrefixCount(of key: UnsafeRawBufferPointer) -> Int {
        key.first == KeySpace.version.rawValue ? max(0, key.count - KeySpace.versionSuffixCount) : key.count
    }
}
