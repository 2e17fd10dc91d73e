/// Bloom filters over filter prefixes, cut into blocks of a page or more so that they are cached and evicted like all else.
///
/// A prefix belongs to one line of 64 bytes, chosen by its hash, and sets `probes` bits there: a look-up costs one trip to
/// memory instead of six, for 0.4 % more false positives. See Docs/formats/table.md.
enum TableFilter {
    static let lineBytes = 64
    static let probesMax = 7

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
            // The number of probes that makes false positives rarest: bits per key × ln 2. A hash has bits for seven.
            probes = max(1, min(TableFilter.probesMax, bitsPerKey * 69 / 100))
            let bytes = max(1, (count * bitsPerKey + 7) / 8)
            let largest = 4 * TableFormat.pageBytes - TableFilter.lineBytes
            blocks = (bytes + largest - 1) / largest
            blockPages = blocks > 1 ? 4 : TableFormat.pages(bytes + TableFilter.lineBytes)
        }

        init(_ footer: TableFooter) {
            blocks = Int(footer.filterBlocks)
            blockPages = Int(footer.filterBlockPages)
            probes = Int(footer.filterProbes)
        }

        @inline(__always)
        func block(_ hash: UInt64) -> Int { Int(hash.multipliedFullWidth(by: UInt64(blocks)).high) }

        /// Where a prefix's line begins in its block, and nine bits a probe. The block's first line is its header.
        @inline(__always)
        private func place(_ hash: UInt64) -> (line: Int, bits: UInt64) {
            let lines = UInt64(blockPages * TableFormat.pageBytes / TableFilter.lineBytes - 1)
            let line = ((TableFilter.mix(hash, 0xD6E8_FEB8_6659_FD93) >> 32) * lines) >> 32
            return ((1 + Int(line)) * TableFilter.lineBytes, TableFilter.mix(hash, 0xA076_1D64_78BD_642F))
        }

        func set(_ hash: UInt64, in block: UnsafeMutableRawBufferPointer) {
            var (line, bits) = place(hash)
            for _ in 0..<probes {
                block[line + Int((bits & 511) >> 3)] |= 1 << UInt8(bits & 7)
                bits >>= 9
            }
        }

        @inline(__always)
        func mayContain(_ hash: UInt64, in block: UnsafeRawBufferPointer) -> Bool {
            guard block.count == blockPages * TableFormat.pageBytes else { return true }
            var (line, bits) = place(hash)
            for _ in 0..<probes {
                if block[line + Int((bits & 511) >> 3)] & (1 << UInt8(bits & 7)) == 0 { return false }
                bits >>= 9
            }
            return true
        }
    }
}
