import Base
package import Runtime

/// The bytes of one read, front to back, verified. Pins the data until closed; used by one task at a time.
package final class ObjectReader {
    enum Source {
        case nothing
        case piece(any DataReader)
        case parts(PartsReader)
    }

    private let set: SetHandle
    private var source: Source

    init(set: SetHandle, source: Source) {
        self.set = set
        self.source = source
    }

    /// The next run of bytes, not empty; nil at the end. The slice stays valid while referenced.
    package func next() async throws(ObjectError) -> BufferSlice? {
        let set = set
        switch source {
        case .nothing: return nil
        case .piece(let reader):
            // Without crossing to the set's loop: what is read ahead is there as a rule.
            return try await reader.nextSlice()
        case .parts(let reader):
            return try await set.run { () async throws(ObjectError) -> BufferSlice? in try await reader.next() }
        }
    }

    /// Unpins. Safe to call twice; must be called on every path.
    package func close() async {
        switch source {
        case .nothing: break
        case .piece(let reader): await reader.close()
        case .parts(let reader): await reader.close()
        }
        source = .nothing
    }
}

extension DataReader {
    func nextSlice() async throws(ObjectError) -> BufferSlice? {
        do { return try await next() } catch { throw ObjectError(error) }
    }
}
