import Runtime
import Synchronization

/// Data that is in memory when it is opened: packed objects and full copies, read and verified whole.
final class SliceReader: DataReader {
    private let slices: Mutex<ArraySlice<BufferSlice>>

    init(_ slices: [BufferSlice]) {
        self.slices = Mutex(slices.filter { $0.count > 0 }[...])
    }

    func next() async throws(SetError) -> BufferSlice? {
        slices.withLock { $0.popFirst() }
    }

    func close() async {
        slices.withLock { $0 = [] }
    }
}
