import Base
import Drives
import ObjectFormat
import Objects
import Runtime

/// Data of one number: every share names it and its slot, so that a wrong or missing share shows.
struct TestPlane: DataPlane {
    let pool: BufferPool

    static func share(_ value: UInt64, slot: Int) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) } + [UInt8(slot)]
    }

    func attachment(_ value: UInt64, slot: Int) -> Attachment {
        let bytes = Self.share(value, slot: slot)
        let slice = pool.take(bytes.count).slice(0, bytes.count)
        slice.mutableBytes.copyBytes(from: bytes)
        return .packed(slice, checksum: 0)
    }

    func stage(hint: Int64?, on drives: SetDrives) throws(SetError) -> any DataStager { throw .overloaded }

    func open(
        _ layout: DataLayout, of row: SetRow, range: ByteRange?, on drives: SetDrives
    ) async throws(SetError) -> any DataReader {
        TestReader(value: try await value(layout, row.key, row.revision, drives, [:], except: nil), pool: pool)
    }

    func rebuild(
        _ layout: DataLayout, key: IndexKey, revision: Position, slot: Int, shares: [Int: Attachment],
        on drives: SetDrives
    ) async throws(SetError) -> Attachment {
        attachment(try await value(layout, key, revision, drives, shares, except: slot), slot: slot)
    }

    /// The value that enough shares agree on.
    private func value(
        _ layout: DataLayout, _ key: IndexKey, _ revision: Position, _ drives: SetDrives, _ given: [Int: Attachment],
        except: Int?
    ) async throws(SetError) -> UInt64 {
        let needed: Int
        if case .copies = layout { needed = 1 } else { needed = drives.geometry.data }
        var values: [UInt64] = []
        for slot in drives.drives.indices where slot != except {
            var bytes: [UInt8]?
            if case .packed(let slice, _)? = given[slot] { bytes = Array(slice.bytes) }
            if bytes == nil, let drive = drives.drives[slot] as? MemoryDrive {
                bytes = await drive.data(key, revision: revision)
            }
            guard let bytes, bytes.count == 9, bytes[8] == UInt8(slot) else { continue }
            values.append(bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) })
        }
        guard values.count >= needed, let first = values.first else {
            throw .readQuorumLost(detail: "\(values.count) of \(needed) shares")
        }
        guard values.allSatisfy({ $0 == first }) else {
            throw .dataLost(detail: "shares of one revision differ: \(values)")
        }
        return first
    }
}

final class TestReader: DataReader {
    let value: UInt64
    let pool: BufferPool
    init(value: UInt64, pool: BufferPool) {
        self.value = value
        self.pool = pool
    }
    func next() async throws(SetError) -> BufferSlice? { nil }
    func close() async {}
}

/// What a client stages: nothing is on the drives before the commit.
final class TestData: StagedData {
    let layout: DataLayout
    let slots: SlotMask
    private let value: UInt64
    private let plane: TestPlane

    init(_ value: UInt64, layout: DataLayout, slots: SlotMask, plane: TestPlane) {
        self.value = value
        self.layout = layout
        self.slots = slots
        self.plane = plane
    }
    func attachment(slot: Int) -> Attachment {
        if case .copies(_, let copies) = layout, !copies.contains(UInt8(slot)) { return .none }
        return plane.attachment(value, slot: slot)
    }
    var chunkCount: Int { 0 }
    func chunk(_ chunk: Int, slot: Int) -> Attachment { .none }
    func handedOver(to taken: SlotMask) {}
}
