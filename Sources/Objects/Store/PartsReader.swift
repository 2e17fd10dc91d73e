import Base
import Drives
import ObjectFormat
import Runtime
import Synchronization

/// Uploads whose parts somebody reads: the sweeper leaves them alone. In memory only, as the readers are.
final class PinTable: Sendable {
    private let counts = Mutex<[UniqueID: Int]>([:])

    func pin(_ upload: UniqueID) { counts.withLock { $0[upload, default: 0] += 1 } }

    func unpin(_ upload: UniqueID) {
        counts.withLock { counts in
            let left = (counts[upload] ?? 0) - 1
            counts[upload] = left > 0 ? left : nil
        }
    }

    func isPinned(_ upload: UniqueID) -> Bool { counts.withLock { $0[upload] != nil } }
    var isEmpty: Bool { counts.withLock { $0.isEmpty } }
}

/// One pin, given back once: at the latest when its holder goes.
final class PartsPin {
    private let upload: UniqueID
    private var table: PinTable?

    init(_ upload: UniqueID, in table: PinTable) {
        self.upload = upload
        self.table = table
        table.pin(upload)
    }

    func release() {
        table?.unpin(upload)
        table = nil
    }

    deinit { release() }
}

/// Finds parts of a completed object by number or offset, one page read each time.
struct PartMap {
    let set: SetHandle
    let bucket: BucketID
    let map: PartMapReference

    /// nil when the object has no such part, or when the map is gone because the object is.
    func entry(number: Int) async throws(ObjectError) -> PartMapEntry? {
        guard let index = map.pages.lastIndex(where: { $0.number <= number }) else { return nil }
        guard let page = try await page(index), let found = page.index(number: number) else { return nil }
        return page.entries[found]
    }

    func page(_ index: Int) async throws(ObjectError) -> PartMapPage? {
        guard let row = try await set.row(StoreKeys.partMapPage(bucket, map.upload, page: index)) else { return nil }
        return try row.partMapPage()
    }
}

/// Reads a range of an object that is made of parts: part after part, each opened when its turn comes.
final class PartsReader {
    private let set: SetHandle
    private let map: PartMap
    private let pin: PartsPin
    private let end: Int64
    private var offset: Int64
    private var pageIndex: Int
    private var page: PartMapPage?
    private var current: (any DataReader)?

    init(set: SetHandle, bucket: BucketID, map: PartMapReference, range: ByteRange, pin: PartsPin) {
        self.set = set
        self.map = PartMap(set: set, bucket: bucket, map: map)
        self.pin = pin
        offset = range.offset
        end = range.end
        // Pages that begin at the same offset hold empty parts only, but for the last of them.
        pageIndex = map.pages.lastIndex { $0.offset <= range.offset } ?? 0
    }

    func next() async throws(ObjectError) -> BufferSlice? {
        while true {
            if let reader = current {
                let slice: BufferSlice?
                do { slice = try await reader.next() } catch { throw ObjectError(error) }
                if let slice {
                    offset += Int64(slice.count)
                    return slice
                }
                await reader.close()
                current = nil
            }
            guard offset < end else { return nil }
            try await openPart()
        }
    }

    func close() async {
        if let current { await current.close() }
        current = nil
        offset = end
        pin.release()
    }

    private func openPart() async throws(ObjectError) {
        let entry = try await entryAtOffset()
        let row = try await set.row(StoreKeys.part(map.bucket, map.map.upload, number: entry.number))
        guard let row else { throw .damaged(detail: "part \(entry.number) of an object is missing") }
        let first = offset - entry.offset, last = min(end, entry.end) - entry.offset
        let range = first == 0 && last == entry.size ? nil : ByteRange(offset: first, count: last - first)
        do {
            current = try await set.store.open(entry.layout, of: row, range: range)
        } catch {
            throw ObjectError(error)
        }
    }

    private func entryAtOffset() async throws(ObjectError) -> PartMapEntry {
        while pageIndex < map.map.pages.count {
            if page == nil { page = try await map.page(pageIndex) }
            guard let page else { throw .damaged(detail: "page \(pageIndex) of a part map is missing") }
            if let index = page.index(holding: offset) { return page.entries[index] }
            pageIndex += 1
            self.page = nil
        }
        throw .damaged(detail: "a part map ends before its object")
    }
}
