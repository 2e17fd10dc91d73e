import CDigests

/// An MD5 in progress that may share vector lanes with others: its state stays at one address, and what it is fed with lies beside it
/// until it is used up.
// SAFETY: whoever feeds a stream waits until its bytes are used up, and only one thread at a time uses them up: the loop that all
// streams of a lane queue live on.
package final class MD5Stream: @unchecked Sendable {
    private let state: UnsafeMutablePointer<cdigests_md5>
    /// Bytes that are not hashed yet.
    package private(set) var rest = UnsafeRawBufferPointer(start: nil, count: 0)

    package init() {
        state = .allocate(capacity: 1)
        state.initialize(to: cdigests_md5())
        cdigests_md5_init(state)
    }

    deinit { state.deallocate() }

    /// Takes over bytes that stay good until `rest` is empty.
    package func feed(_ bytes: UnsafeRawBufferPointer) {
        precondition(rest.isEmpty, "a stream is fed when it has used up what it had")
        rest = bytes
    }

    /// Hashes up to `count` of the bytes without company.
    package func takeAlone(_ count: Int) {
        let count = min(count, rest.count)
        cdigests_md5_update(state, rest.baseAddress, count)
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        feed(bytes)
        takeAlone(bytes.count)
    }

    package func finish() -> [UInt8] {
        var copy = state.pointee
        return digestBytes(MD5.byteCount) { cdigests_md5_final(&copy, $0) }
    }

    // MARK: Lanes

    var chain: UnsafeMutablePointer<UInt32>? { cdigests_md5_chain(state) }

    /// Up to the end of a block that was begun.
    func fillBlock() {
        while !rest.isEmpty, cdigests_md5_at_block(state) == 0 { takeAlone(1) }
    }

    func tookInLane(_ count: Int) {
        cdigests_md5_advance(state, UInt64(count))
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
}
