package import Runtime

/// The bytes of one read, front to back, verified. Pins the data until closed; used by one task at a time.
package final class ObjectReader: Sendable {
    /// The next run of bytes; nil at the end. The slice stays valid while referenced.
    package func next() async throws(ObjectError) -> BufferSlice? { throw .shuttingDown }
    /// Unpins. Safe to call twice; must be called on every path.
    package func close() async {}
}
