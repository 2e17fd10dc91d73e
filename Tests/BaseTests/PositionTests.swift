import Base
import Testing

@Suite struct PositionTests {
    @Test func `a later epoch comes after every sequence of an earlier one`() {
        #expect(Position(epoch: 1, sequence: .max) < Position(epoch: 2, sequence: 1))
        #expect(Position(epoch: 2, sequence: 1) < Position(epoch: 2, sequence: 2))
        #expect(!(Position(epoch: 2, sequence: 1) < Position(epoch: 1, sequence: 9)))
    }

    @Test func `a unique id reads back from its text`() throws {
        let id = UniqueID(high: 0x1, low: 0xFFFF_0000_0000_0002)
        #expect(id.description == "0000000000000001ffff000000000002")
        #expect(UniqueID(id.description) == id)
        #expect(UniqueID("0000000000000001FFFF000000000002") == nil)
        #expect(UniqueID("123") == nil)
    }
}
