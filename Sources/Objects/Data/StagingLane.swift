import Drives
import Runtime

/// One drive's part in a write: its queue of blocks, the extents they go to, and what is known of its health. A value in the
/// stager's state.
struct StagingLane {
    struct Block {
        var stripe: Int
        var slice: BufferSlice
    }

    /// Where the next queued block goes, or what must be reserved first.
    enum Step {
        case write(Block, Extent, offset: Int)
        case reserve(bytes: Int, atLeast: Int)
        case rest
    }

    let drive: any Drive
    let shard: Int
    var isGood = true
    var isDraining = false
    private(set) var queue: [Block] = []
    /// Calls on the drive that have not returned: while there are any, its extents must not be given back.
    var callsUnderWay = 0
    var mustRelease = false
    var ranOutOfSpace = false
    /// By chunk.
    private(set) var extents: [[Extent]] = []
    private(set) var checksums: [[UInt64]] = []
    /// Of the newest chunk's last extent.
    private var freeBytes = 0
    private var blocksPlaced = 0

    init(drive: any Drive, shard: Int) {
        self.drive = drive
        self.shard = shard
    }

    mutating func enqueue(_ block: Block, checksum: UInt64) {
        let chunk = block.stripe / DataRow.stripesPerChunk
        if checksums.count <= chunk { checksums.append([]) }
        checksums[chunk].append(checksum)
        queue.append(block)
    }

    /// Takes the next block off the queue if there is room for it. `stripesLeft` is how many stripes follow the block's, if known.
    mutating func step(blockBytes: Int, extentBlocksMax: Int, totalStripes: Int?) -> Step {
        guard isGood, let block = queue.first else { return .rest }
        let chunk = block.stripe / DataRow.stripesPerChunk, index = block.stripe % DataRow.stripesPerChunk
        if extents.count <= chunk {
            extents.append([])
            freeBytes = 0
        }
        if let extent = extents[chunk].last, freeBytes >= block.slice.count {
            let offset = extent.byteCount - freeBytes
            freeBytes -= block.slice.count
            blocksPlaced += 1
            queue.removeFirst()
            return .write(block, extent, offset: offset)
        }
        // Unknown lengths start small and double; what is left over is given back at the end.
        let ahead = totalStripes.map { max($0 - block.stripe, 1) } ?? max(blocksPlaced, 4)
        let blocks = min(ahead, extentBlocksMax, DataRow.stripesPerChunk - index)
        let bytes = blocks == 1 ? block.slice.count : blocks * blockBytes
        return .reserve(bytes: bytes, atLeast: block.slice.count)
    }

    mutating func reserved(_ extent: Extent) {
        guard !extents.isEmpty else { return }
        extents[extents.count - 1].append(extent)
        freeBytes = extent.byteCount
    }

    mutating func clearQueue() { queue = [] }

    /// Cuts what no block lies in off the last extents of every chunk; returns it.
    mutating func trim(usedBytes: (_ chunk: Int) -> Int) -> [Extent] {
        var surplus: [Extent] = []
        for chunk in extents.indices {
            var left = usedBytes(chunk) / StripeShape.pageBytes
            var kept: [Extent] = []
            for extent in extents[chunk] {
                let pages = min(left, Int(extent.pages))
                left -= pages
                if pages > 0 {
                    kept.append(Extent(segment: extent.segment, offset: extent.offset, pages: UInt32(pages)))
                }
                if pages < Int(extent.pages) {
                    surplus.append(
                        Extent(
                            segment: extent.segment, offset: extent.offset + UInt32(pages),
                            pages: extent.pages - UInt32(pages)))
                }
            }
            extents[chunk] = kept
        }
        return surplus
    }

    var allExtents: [Extent] { extents.flatMap { $0 } }
    mutating func forgetExtents() { extents = [] }
}
