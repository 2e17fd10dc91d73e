import Base
import Drives
import ObjectFormat
import Objects
import Runtime
import Synchronization

/// Collects what is staged.
final class MemoryStager: DataStager {
    private struct State {
        var bytes: [UInt8] = []
        var current: BufferSlice?
        var isSettled = false
    }
    private let state = Mutex(State())
    private let set: MemorySetStore
    private let buffers: BufferPool
    private let stripeBytes: Int

    init(_ set: MemorySetStore, _ buffers: BufferPool, stripeBytes: Int) {
        self.set = set
        self.buffers = buffers
        self.stripeBytes = stripeBytes
    }

    func nextBuffer() async throws(SetError) -> BufferSlice {
        let slice = buffers.take(stripeBytes).slice(0, stripeBytes)
        state.withLock { $0.current = slice }
        return slice
    }

    func filled(_ count: Int) async throws(SetError) {
        state.withLock { state in
            guard let slice = state.current else { preconditionFailure("filled follows nextBuffer") }
            state.bytes.append(contentsOf: slice.bytes[..<count])
            state.current = nil
        }
    }

    func finish() async throws(SetError) -> any StagedData {
        let bytes = state.withLock { $0.bytes }
        return await set.finish(bytes, self)
    }

    func abandon() async { await set.abandoned(self) }

    /// True the first time.
    func settle() -> Bool {
        state.withLock { state in
            defer { state.isSettled = true }
            return !state.isSettled
        }
    }
}

final class MemoryStaged: StagedData {
    let layout: DataLayout
    let bytes: [UInt8]
    let stager: MemoryStager

    init(_ layout: DataLayout, _ bytes: [UInt8], _ stager: MemoryStager) {
        self.layout = layout
        self.bytes = bytes
        self.stager = stager
    }

    // A set in memory has no drives: it attaches `bytes` itself.
    var slots: SlotMask { .first(4) }
    func attachment(slot: Int) -> Attachment { .none }
    var chunkCount: Int { 0 }
    func chunk(_ chunk: Int, slot: Int) -> Attachment { .none }
    func handedOver(to taken: SlotMask) {}
}

/// Reads in pieces that are not round, as real stripes are not.
final class MemoryReader: DataReader {
    private static let pieceBytes = 100_000

    private struct State {
        var bytes: ArraySlice<UInt8>
        var isClosed = false
    }
    private let state: Mutex<State>
    private let set: MemorySetStore
    private let buffers: BufferPool

    init(_ set: MemorySetStore, _ buffers: BufferPool, _ bytes: ArraySlice<UInt8>) {
        self.set = set
        self.buffers = buffers
        state = Mutex(State(bytes: bytes))
    }

    func next() async throws(SetError) -> BufferSlice? {
        state.withLock { state in
            let piece = state.bytes.prefix(Self.pieceBytes)
            guard !piece.isEmpty else { return nil }
            state.bytes.removeFirst(piece.count)
            let slice = buffers.take(piece.count).slice(0, piece.count)
            slice.mutableBytes.copyBytes(from: piece)
            return slice
        }
    }

    func close() async {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        if isFirst { await set.closed() }
    }
}
