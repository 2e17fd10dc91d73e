import Digests
import Runtime

/// The data that rows name: packed pieces in the log, blocks in extents.
extension DriveAudit {
    // MARK: Packed

    /// Reads the gathered pieces in the order in which they lie, through one window.
    func readPacked() async {
        let order = packed.sorted {
            ($0.location.segment, $0.location.offset) < ($1.location.segment, $1.location.offset)
        }
        packed = []
        var window: (segment: UInt32, start: UInt64, bytes: BufferSlice)?
        for (key, location) in order {
            // A segment that is gone or has no header is reported already; what it held is not read from it.
            guard segments.contains(location.segment) else {
                report.add(
                    .packed, LogFormat.segmentPath(location.segment), "byte \(location.offset)", "packed data is gone",
                    key: key)
                continue
            }
            report.packedPieces += 1
            let start = UInt64(location.offset), end = start + UInt64(location.count)
            let isInside = window.map {
                $0.segment == location.segment && $0.start <= start && end <= $0.start + UInt64($0.bytes.count)
            }
            if isInside != true {
                do throws(DriveError) { window = try await fill(location) } catch {
                    window = nil
                    note(error, .packed, LogFormat.segmentPath(location.segment), "byte \(start)", key: key)
                    continue
                }
            }
            guard let window else { continue }
            let offset = Int(start - window.start)
            let piece = UnsafeRawBufferPointer(rebasing: window.bytes.bytes[offset..<offset + Int(location.count)])
            if BlockChecksum.of(piece, seed: 0) != location.checksum {
                report.add(
                    .packed, LogFormat.segmentPath(location.segment), "byte \(start)",
                    "packed data does not match the checksum in its row", key: key)
            }
            withExtendedLifetime(window) {}
            did(.data, Int(location.count))
        }
    }

    private func fill(
        _ location: PackedLocation
    ) async throws(DriveError) -> (segment: UInt32, start: UInt64, bytes: BufferSlice) {
        let start = UInt64(location.offset) & ~4095
        let wanted = LogFormat.padded(Int(UInt64(location.offset) + UInt64(location.count) - start))
        let bytes = max(wanted, Self.readBytes)
        let slice = pool.take(bytes).slice(0, bytes)
        defer { withExtendedLifetime(slice) {} }
        do {
            let count = try await segmentFile(location.segment).read(into: slice.mutableBytes, at: start)
            guard UInt64(location.offset) + UInt64(location.count) <= start + UInt64(count) else {
                throw DriveError.damagedFormat(what: "packed data lies behind the segment's end")
            }
            return (location.segment, start, BufferSlice(buffer: slice.buffer, start: slice.start, count: count))
        } catch let error as DriveIOError {
            throw .io(error)
        } catch let error as DriveError {
            throw error
        } catch { throw .damagedFormat(what: "\(error)") }
    }

    private func segmentFile(_ number: UInt32) async throws(DriveIOError) -> any DriveFile {
        if let file = openSegments[number] { return file }
        // Pieces come in the order of segments: one file at a time is in use.
        for old in openSegments.keys.sorted() { await openSegments.removeValue(forKey: old)?.close() }
        let file = try await io.open(LogFormat.segmentPath(number), [.readOnly, .direct])
        openSegments[number] = file
        return file
    }

    // MARK: Blocks

    func readBlocks(of entry: IndexEntry) async {
        guard case .extents(let extents, let blockBytes, let checksums) = entry.stored else { return }
        let file = DataFiles.path(extents.first?.segment ?? 0)
        guard blockBytes > 0, blockBytes % ExtentAllocator.pageBytes == 0, !checksums.isEmpty,
            let last = layout.lastBlockBytes(of: entry), last > 0, last <= blockBytes,
            last % ExtentAllocator.pageBytes == 0,
            extents.reduce(0, { $0 + $1.byteCount }) >= (checksums.count - 1) * blockBytes + last
        else {
            report.add(.data, file, "", "a row does not fit the extents that it names", key: entry.key)
            return
        }
        // Which shard the drive holds is not in the row: the first good block tells it.
        var shard: Int?
        for (index, checksum) in checksums.enumerated() {
            let bytes = index == checksums.count - 1 ? last : blockBytes
            let parts = Self.parts(extents, offset: index * blockBytes, count: bytes)
            guard let first = parts.first else { continue }
            let place = "byte \(first.offset)"
            do throws(DriveError) {
                let slice = try await block(parts, bytes)
                defer { withExtendedLifetime(slice) {} }
                let seeds = layout.seeds(of: entry.key, block: index)
                let candidates = shard.map { [$0] } ?? Array(seeds.indices)
                if let match = candidates.first(where: { BlockChecksum.of(slice.bytes, seed: seeds[$0]) == checksum }) {
                    shard = match
                } else {
                    report.add(
                        .data, DataFiles.path(first.segment), place,
                        "block \(index) (\(bytes) bytes) does not match its checksum", key: entry.key)
                }
            } catch { note(error, .data, DataFiles.path(first.segment), place, key: entry.key) }
            report.dataBlocks += 1
            did(.data, bytes)
        }
    }

    private func block(
        _ parts: [(segment: UInt32, offset: UInt64, count: Int)], _ bytes: Int
    ) async throws(DriveError) -> BufferSlice {
        let slice = pool.take(bytes).slice(0, bytes)
        defer { withExtendedLifetime(slice) {} }
        var done = 0
        for part in parts {
            let target = UnsafeMutableRawBufferPointer(rebasing: slice.mutableBytes[done..<done + part.count])
            let count: Int
            do throws(DriveIOError) {
                count = try await dataFile(part.segment).read(into: target, at: part.offset)
            } catch { throw .io(error) }
            guard count == part.count else { throw .damagedFormat(what: "the file ends before this block does") }
            done += part.count
        }
        return slice
    }

    private func dataFile(_ number: UInt32) async throws(DriveIOError) -> any DriveFile {
        if let openData, openData.number == number { return openData.file }
        await openData?.file.close()
        openData = nil
        let file = try await io.open(DataFiles.path(number), [.readOnly, .direct])
        openData = (number, file)
        return file
    }

    /// The pieces of segments that hold `count` bytes from `offset` of the extents taken as one run.
    private static func parts(
        _ extents: [Extent], offset: Int, count: Int
    ) -> [(segment: UInt32, offset: UInt64, count: Int)] {
        var parts: [(segment: UInt32, offset: UInt64, count: Int)] = []
        var start = 0, wanted = offset..<offset + count
        for extent in extents where !wanted.isEmpty {
            let end = start + extent.byteCount
            if wanted.lowerBound < end {
                let piece = min(wanted.count, end - wanted.lowerBound)
                parts.append((extent.segment, extent.fileOffset + UInt64(wanted.lowerBound - start), piece))
                wanted = wanted.lowerBound + piece..<wanted.upperBound
            }
            start = end
        }
        return parts
    }
}
