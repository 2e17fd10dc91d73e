/// What a comparison of allocator, log and index found (rule 9): for `martlet doctor --verify` and the slow scrub.
package struct DriveVerification: Hashable, Sendable {
    package var rows = 0
    /// Extents that two rows name: corruption.
    package var overlaps: [Extent] = []
    /// Extents that a row names and the allocator has as free: the next write would destroy them.
    package var unallocated: [Extent] = []
    /// Pages that are used and that no row names: space that is lost until it is given back.
    package var leakedPages = 0
    /// Log segments whose live packed bytes are counted wrongly, and those that rows point to and that are gone.
    package var miscountedSegments: [UInt32] = []
    package var missingSegments: [UInt32] = []

    package var isClean: Bool {
        overlaps.isEmpty && unallocated.isEmpty && leakedPages == 0 && miscountedSegments.isEmpty
            && missingSegments.isEmpty
    }
}

extension DriveEngine {
    /// Reads the whole index. Right only while nothing is published: the doctor has the drive to itself.
    package func verify() async throws(DriveError) -> DriveVerification {
        try checkReadable()
        try await workOffReplaced(upTo: .max)
        var result = DriveVerification()
        var named = ExtentAllocator()
        for number in allocator.numbers { named.addSegment(number, pages: allocator.pages(of: number)) }
        var live: [UInt32: Int64] = [:]
        try await index.scan(from: IndexKey([0]), to: ChangeRow.start) { (key, value) throws(DriveError) in
            result.rows += 1
            let row = try RowEnvelope.decode(value, key: IndexKey(Array(key)))
            switch row.stored {
            case .none: break
            case .packed(let location): live[location.segment, default: 0] += Int64(location.count)
            case .extents(let extents, _, _):
                for extent in extents {
                    let before = named.usedPages
                    named.use(extent, generation: 0)
                    if named.usedPages - before != Int(extent.pages) { result.overlaps.append(extent) }
                    if !allocator.isUsed(extent) { result.unallocated.append(extent) }
                }
            }
            return true
        }
        result.leakedPages = max(0, allocator.usedPages - named.usedPages)
        let present = Set(log.segmentEnds.map(\.number))
        for number in Set(live.keys).union(present).sorted() {
            if usage.live(number) != live[number] ?? 0 { result.miscountedSegments.append(number) }
            if live[number] ?? 0 > 0 && !present.contains(number) { result.missingSegments.append(number) }
        }
        return result
    }
}
