/// A non-empty run of bytes of an object: `offset ..< offset + count`.
package struct ByteRange: Hashable, Sendable {
    package var offset: Int64
    package var count: Int64

    package init(offset: Int64, count: Int64) {
        precondition(offset >= 0 && count > 0, "a byte range starts at or after 0 and holds at least one byte")
        self.offset = offset
        self.count = count
    }

    package var end: Int64 { offset + count }
}
