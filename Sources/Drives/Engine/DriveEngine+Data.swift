import Digests
package import Runtime

/// Large data, packed data, and reads of the index.
extension DriveEngine {
    // MARK: Extents

    package func reserve(_ bytes: Int) async throws(DriveError) -> Extent {
        await resolveGate.enter()
        resolveGate.leave()
        try checkWritable()
        let pages = (max(1, bytes) + ExtentAllocator.pageBytes - 1) / ExtentAllocator.pageBytes
        guard pages <= segmentPages else { throw .noSpace }
        guard !isFull, !isCrowded else { throw .noSpace }
        if let extent = allocator.reserve(pages: pages) { return extent }
        await segmentGate.enter()
        defer { segmentGate.leave() }
        // Another call may have made a segment, or something was freed, while this one waited.
        while true {
            if let extent = allocator.reserve(pages: pages) { return extent }
            try checkWritable()
            try await addDataSegment()
        }
    }

    private var segmentPages: Int { parameters.dataSegmentBytes / ExtentAllocator.pageBytes }

    /// A new data segment: its file first, then the manifest, then it may be used. A record never names one that is not known.
    private func addDataSegment() async throws(DriveError) {
        let number = max(allocator.nextNumber, nextDataSegment)
        guard number < .max, roomBytes >= UInt64(parameters.dataSegmentBytes) + headroomBytes else { throw .noSpace }
        nextDataSegment = number + 1
        do { try await dataFiles.create(number, bytes: UInt64(parameters.dataSegmentBytes)) } catch {
            throw failed(error)
        }
        do throws(DriveError) {
            try await appendToManifest([.dataSegmentAdded(number: number, pages: UInt32(segmentPages))])
        } catch {
            // An edit whose writing failed may be durable all the same, and a manifest that names a file that is gone can't be opened.
            unnamedDataFiles.append(number)
            throw error
        }
        allocator.addSegment(number, pages: segmentPages)
        measureOwn()
    }

    package func write(_ slice: BufferSlice, to extent: Extent, at offset: Int) async throws(DriveError) {
        try checkWritable()
        // A pointer does not keep its buffer alive while the call is under way.
        defer { withExtendedLifetime(slice) {} }
        precondition(
            offset >= 0 && offset % ExtentAllocator.pageBytes == 0 && slice.count % ExtentAllocator.pageBytes == 0
                && offset + slice.count <= extent.byteCount && allocator.contains(extent),
            "a write lies within its extent, in whole pages")
        do throws(DriveIOError) {
            let file = try await dataFiles.file(extent.segment)
            try await file.write(slice.bytes, at: extent.fileOffset + UInt64(offset))
        } catch { throw failed(error) }
        dataFiles.wrote(extent.segment)
    }

    package func syncData() async throws(DriveError) {
        try checkWritable()
        if parameters.broken.contains(.dataNotSynced) { return }
        do { try await dataFiles.sync() } catch { throw failed(error) }
        try checkWritable()
    }

    package func release(_ extents: [Extent]) {
        // What a pending commit names stays: its writer is not the one who decides on it any more.
        for extent in extents where !pending.values.contains(where: { $0.extents.contains(extent) }) {
            allocator.unreserve(extent)
        }
    }

    package func read(_ extent: Extent, at offset: Int, into slice: BufferSlice) async throws(DriveError) {
        try checkReadable()
        defer { withExtendedLifetime(slice) {} }
        guard allocator.contains(extent), offset >= 0, offset + slice.count <= extent.byteCount else {
            throw .damagedFormat(what: "an extent outside its segment")
        }
        let count: Int
        do throws(DriveIOError) {
            let file = try await dataFiles.file(extent.segment)
            count = try await file.read(into: slice.mutableBytes, at: extent.fileOffset + UInt64(offset))
        } catch { throw failedRead(error, "an extent of data segment \(extent.segment)") }
        guard count == slice.count else { throw .checksumMismatch(what: "data segment \(extent.segment) is cut short") }
    }

    /// A few sectors that can't be read are damage like wrong bytes: the others serve, and what is lost is written anew. A drive
    /// that was put away for each would take the set's writes with it as soon as two drives have a bad sector.
    private func failedRead(_ error: DriveIOError, _ what: String) -> DriveError {
        guard LogScanner.isMedium(error), unreadableReads < Self.unreadableReadsMax else { return .io(error) }
        unreadableReads += 1
        counters.checksumMismatches += 1
        return .checksumMismatch(what: "\(what) can't be read")
    }

    /// With more than this the drive is not damaged in places: it is failing, and put away until it is opened anew.
    private static let unreadableReadsMax = 256

    // MARK: Packed data

    package func read(_ packed: PackedLocation) async throws(DriveError) -> BufferSlice {
        try checkReadable()
        let location = LogLocation(segment: packed.segment, offset: packed.offset, count: packed.count)
        let slice: BufferSlice
        do { slice = try await log.read(location) } catch {
            throw failedRead(error, "packed data in log segment \(packed.segment)")
        }
        defer { withExtendedLifetime(slice) {} }
        guard BlockChecksum.of(slice.bytes, seed: 0) == packed.checksum else {
            counters.checksumMismatches += 1
            throw .checksumMismatch(what: "packed data in log segment \(packed.segment)")
        }
        return slice
    }

    // MARK: Index

    package func entry(_ key: IndexKey) async throws(DriveError) -> IndexEntry? {
        try checkReadable()
        return try await currentRow(key)
    }

    package func firstEntry(prefix: [UInt8]) async throws(DriveError) -> IndexEntry? {
        try checkReadable()
        guard let found = try await index.first(prefix: prefix) else { return nil }
        return try RowEnvelope.decode(found.value, key: found.key)
    }

    package func entries(
        from start: IndexKey, to end: IndexKey, limit: Int
    ) async throws(DriveError) -> [IndexEntry] {
        try checkReadable()
        var entries: [IndexEntry] = []
        guard limit > 0 else { return [] }
        entries.reserveCapacity(min(limit, 1000))
        try await index.scan(from: start, to: end) { (key, value) throws(DriveError) in
            entries.append(try RowEnvelope.decode(value, key: IndexKey(Array(key))))
            return entries.count < limit
        }
        return entries
    }

    package func page(
        from start: IndexKey, to end: IndexKey, limit: Int
    ) async throws(DriveError) -> RowPage {
        try checkReadable()
        var builder = RowPageBuilder(limit: limit)
        guard limit > 0 else { return RowPage(bytes: [], rows: []) }
        try await index.scan(from: start, to: end) { (key, value) throws(DriveError) in
            let (revision, payload) = try RowEnvelope.payload(of: value)
            builder.add(key, payload: payload, revision: revision)
            return builder.rows.count < limit
        }
        return RowPage(bytes: builder.bytes, rows: builder.rows)
    }
}

extension Extent {
    var fileOffset: UInt64 { UInt64(offset) * UInt64(ExtentAllocator.pageBytes) }
}
