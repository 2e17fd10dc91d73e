import Digests

/// The layout of a table file; Docs/formats/table.md is the whole of it.
///
/// A table is a run of blocks, each a whole number of 4 KiB pages: data blocks, filter blocks, index blocks, the top index
/// block, the bounds block and, in the last page, the footer.
package enum TableFormat {
    package static let pageBytes = 4096
    static let headerBytes = 16
    static let version: UInt32 = 1
    /// Features that a reader has to know; none yet.
    static let knownIncompatible: UInt32 = 0
    static let magic: UInt64 = 0x4C42_4154_544C_5452  // "RTLTTABL"
    static let footerUsedBytes = 112

    enum BlockKind: UInt8 {
        case data = 1
        case filter = 2
        case index = 3
        case top = 4
        case bounds = 5
        case footer = 6
    }

    package static func path(_ number: UInt64) -> String {
        let digits = String(number)
        return "index/" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".tbl"
    }

    /// The number in a file name of `index/`; nil when it is not a table's.
    static func number(ofFile name: String) -> UInt64? {
        guard name.hasSuffix(".tbl"), let number = UInt64(name.dropLast(4)), path(number) == "index/" + name else {
            return nil
        }
        return number
    }

    static func pages(_ bytes: Int) -> Int { (bytes + pageBytes - 1) / pageBytes }

    /// Binds a block to its place, so that neither another table's block nor another block of this one passes for it.
    package static func checksum(_ block: UnsafeRawBufferPointer, table: UInt64, page: UInt32) -> UInt64 {
        let seed = (table &* 0x9E37_79B9_7F4A_7C15) ^ (UInt64(page) &* 0xC2B2_AE3D_27D4_EB4F)
        return BlockChecksum.of(UnsafeRawBufferPointer(rebasing: block[8...]), seed: seed)
    }

    /// Fills in the header of a block whose memory is whole pages, zero behind `used`.
    static func seal(
        _ block: UnsafeMutableRawBufferPointer, kind: BlockKind, used: Int, table: UInt64, page: UInt32
    ) {
        let pages = block.count / pageBytes
        precondition(pages > 0 && pages <= UInt16.max && used <= block.count, "a block fits its pages")
        block.storeBytes(of: kind.rawValue, toByteOffset: 8, as: UInt8.self)
        block.storeBytes(of: 0, toByteOffset: 9, as: UInt8.self)
        block.storeBytes(of: UInt16(pages).littleEndian, toByteOffset: 10, as: UInt16.self)
        block.storeBytes(of: UInt32(used).littleEndian, toByteOffset: 12, as: UInt32.self)
        let sum = checksum(UnsafeRawBufferPointer(block), table: table, page: page)
        block.storeBytes(of: sum.littleEndian, toByteOffset: 0, as: UInt64.self)
    }

    /// Refuses a block that is not, byte for byte, the one written at this page of this table.
    static func verify(
        _ block: UnsafeRawBufferPointer, kind: BlockKind, table: UInt64, page: UInt32
    ) throws(DriveError) {
        guard block.count >= pageBytes, block.count % pageBytes == 0 else {
            throw .damagedFormat(what: "\(path(table)), page \(page): cut short")
        }
        let stored = UInt64(littleEndian: block.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        guard stored == checksum(block, table: table, page: page) else {
            throw .checksumMismatch(what: "\(path(table)), page \(page)")
        }
        let used = Int(UInt32(littleEndian: block.loadUnaligned(fromByteOffset: 12, as: UInt32.self)))
        guard block[8] == kind.rawValue, pageCount(of: block) * pageBytes == block.count,
            used >= headerBytes, used <= block.count
        else { throw .damagedFormat(what: "\(path(table)), page \(page): not a \(kind) block") }
    }

    /// The number of pages that a block's header names; `block` holds at least the header.
    static func pageCount(of block: UnsafeRawBufferPointer) -> Int {
        Int(UInt16(littleEndian: block.loadUnaligned(fromByteOffset: 10, as: UInt16.self)))
    }
}

/// Where things lie in a table, from its last page.
struct TableFooter: Hashable {
    var number: UInt64 = 0
    var entryCount: UInt64 = 0
    var tombstoneCount: UInt64 = 0
    var filterCount: UInt64 = 0
    var dataPages: UInt32 = 0
    var dataBlocks: UInt32 = 0
    var filterBlocks: UInt32 = 0
    var filterBlockPages: UInt32 = 0
    var filterProbes: UInt32 = 0
    var indexPages: UInt32 = 0
    var topPages: UInt32 = 0
    var boundsPages: UInt32 = 0

    var filterPage: UInt32 { dataPages }
    var indexPage: UInt32 { filterPage + filterBlocks * filterBlockPages }
    var topPage: UInt32 { indexPage + indexPages }
    var boundsPage: UInt32 { topPage + topPages }
    var footerPage: UInt32 { boundsPage + boundsPages }

    func write(to page: UnsafeMutableRawBufferPointer) {
        func put(_ value: UInt64, _ offset: Int) {
            page.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
        }
        func put(_ value: UInt32, _ offset: Int) {
            page.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
        }
        put(TableFormat.magic, 16)
        put(TableFormat.version, 24)
        put(UInt32(0), 28)
        put(UInt32(0), 32)
        put(UInt32(0), 36)
        put(number, 40)
        put(entryCount, 48)
        put(tombstoneCount, 56)
        put(filterCount, 64)
        for (i, value) in [
            dataPages, dataBlocks, filterBlocks, filterBlockPages, filterProbes, indexPages, topPages, boundsPages,
        ].enumerated() {
            put(value, 72 + 4 * i)
        }
        put(UInt64(0), 104)
    }

    init() {}

    /// Reads a footer page that `TableFormat.verify` let pass.
    init(reading page: UnsafeRawBufferPointer, path: String) throws(DriveError) {
        func long(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: page.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        func word(_ offset: Int) -> UInt32 {
            UInt32(littleEndian: page.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        guard page.count == TableFormat.pageBytes, long(16) == TableFormat.magic else {
            throw .damagedFormat(what: "\(path): not a table")
        }
        guard word(24) == TableFormat.version, word(32) & ~TableFormat.knownIncompatible == 0 else {
            throw .damagedFormat(what: "\(path): written by a newer version (\(word(24)), features \(word(32)))")
        }
        number = long(40)
        entryCount = long(48)
        tombstoneCount = long(56)
        filterCount = long(64)
        dataPages = word(72)
        dataBlocks = word(76)
        filterBlocks = word(80)
        filterBlockPages = word(84)
        filterProbes = word(88)
        indexPages = word(92)
        topPages = word(96)
        boundsPages = word(100)
        // The sums below must not overflow in the computed properties.
        let all = [
            UInt64(dataPages), UInt64(filterBlocks) * UInt64(filterBlockPages), UInt64(indexPages), UInt64(topPages),
            UInt64(boundsPages),
        ]
        guard all.reduce(0, +) < UInt64(UInt32.max), dataPages > 0, indexPages > 0, topPages > 0, boundsPages > 0,
            filterProbes > 0, filterProbes <= UInt32(TableFilter.probesMax), filterBlocks == 0 || filterBlockPages > 0,
            filterBlockPages <= UInt16.max, topPages <= UInt16.max, boundsPages <= UInt16.max
        else { throw .damagedFormat(what: "\(path): footer out of range") }
    }
}
