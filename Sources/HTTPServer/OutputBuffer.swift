/// Bytes on their way to a socket, at an address that stays put while a send is suspended. Grows, and is used again.
final class OutputBuffer {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        base = .allocate(byteCount: capacity, alignment: 16)
        self.capacity = capacity
    }

    deinit { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
    func clear() { count = 0 }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        if count + bytes.count > capacity { grow(to: count + bytes.count) }
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    func appendDecimal(_ value: Int64) {
        var digits: [UInt8] = []
        digits.appendDecimal(value)
        append(digits)
    }

    func appendHex(_ value: Int) {
        append(Array(String(value, radix: 16).utf8))
    }

    private func grow(to needed: Int) {
        let larger = max(needed, capacity * 2)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        grown.copyMemory(from: base, byteCount: count)
        base.deallocate()
        (base, capacity) = (grown, larger)
    }
}
