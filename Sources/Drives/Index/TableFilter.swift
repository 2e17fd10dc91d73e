/// Bloom filters over filter prefixes, cut into blocks of a page or more so that they are cached and evicted like all else.
///
/// A prefix belongs to one block, chosen by its hash, and sets `probes` bits there. See Docs/formats/table.md.
enum TableFilter {
    /// Multiply and fold, eight bytes at a time. A CRC will not do: it is linear, and two of them with different seeds are
    /// one hash (measured: 62 % false positives).
    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = UInt64(bytes.count) ^ 0x2D35_8DCC_AA6C_78A5
        var i = 0
        while i + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self))
            state = mix(state ^ word, 0x8BB8_4B93_962E_ACC9)
            i += 8
        }
        var tail: UInt64 = 0, shift: UInt64 = 0
        while i < bytes.count {
            tail |= UInt64(bytes[i]) << shift
            shift += 8
            i += 1
        }
        return mix(mix(state ^ tail, 0x4B33_A62E_D433_D4A3), 0x9E37_79B9_7F4A_7C15)
    }

    @inline(__always)
    private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    struct Shape {
        var blocks: Int
        var blockPages: Int
        var probes: Int

        /// `bitsPerKey` bits or more for each of `count` prefixes, in blocks of at most 16 KiB.
        init(count: Int, bitsPerKey: Int) {
            // The number of probes that makes false positives rarest: bits per key × ln 2.
            probes = max(1, min(30, bitsPerKey * 69 / 100))
            let bytes = max(1, (count * bitsPerKey + 7) / 8)
            let largest = 4 * TableFormat.pageBytes - TableFormat.headerBytes
            blocks = (bytes + largest - 1) / largest
            blockPages = blocks > 1 ? 4 : TableFormat.pages(bytes + TableFormat.headerBytes)
        }

        init(_ footer: TableFooter) {
            blocks = Int(footer.filterBlocks)
            blockPages = Int(footer.filterBlockPages)
            probes = Int(footer.filterProbes)
        }

        @inline(__always)
        func block(_ hash: UInt64) -> Int { Int(hash.multipliedFullWidth(by: UInt64(blocks)).high) }

        @inline(__always)
        private var bits: UInt64 { UInt64((blockPages * TableFormat.pageBytes - TableFormat.headerBytes) * 8) }

        /// The block was chosen by the hash's high bits, so the bits inside come from another mixture.
        @inline(__always)
        private func steps(_ hash: UInt64) -> (UInt32, UInt32) {
            let mixed = TableFilter.mix(hash, 0xD6E8_FEB8_6659_FD93)
            return (UInt32(truncatingIfNeeded: mixed), UInt32(truncatingIfNeeded: mixed >> 32) | 1)
        }

        func set(_ hash: UInt64, in block: UnsafeMutableRawBufferPointer) {
            var (position, step) = steps(hash)
            for _ in 0..<probes {
                let bit = (UInt64(position) * bits) >> 32
                block[TableFormat.headerBytes + Int(bit >> 3)] |= 1 << UInt8(bit & 7)
                position &+= step
            }
        }

        @inline(__always)
        func mayContain(_ hash: UInt64, in block: UnsafeRawBufferPointer) -> Bool {
            guard block.count == blockPages * TableFormat.pageBytes else { return true }
            var (position, step) = steps(hash)
            for _ in 0..<probes {
                let bit = (UInt64(position) * bits) >> 32
                if block[TableFormat.headerBytes + Int(bit >> 3)] & (1 << UInt8(bit & 7)) == 0 { return false }
                position &+= step
            }
            return true
        }
    }
}
