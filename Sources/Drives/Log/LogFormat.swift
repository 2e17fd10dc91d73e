import Base

/// Bytes of the log's files. The page: Docs/formats/log.md. Little-endian throughout.
enum LogFormat {
    static let blockBytes = 4096
    static let segmentMagic: [UInt8] = Array("MARTLOG\n".utf8)
    static let version: UInt32 = 1
    static let batchMagic: UInt32 = 0x4843_5442  // "BTCH"
    static let batchHeaderBytes = 64
    static let recordHeaderBytes = 8
    /// No batch is longer, whatever the configuration: a limit for readers.
    static let batchBytesLimit = 16 << 20
    /// Features whose lack of understanding forbids reading. None yet.
    static let knownIncompatible: UInt64 = 0

    static let directory = "log"

    static func segmentPath(_ number: UInt32) -> String {
        let digits = String(number)
        return "\(directory)/" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".seg"
    }

    static func freePath(_ number: Int) -> String { "\(directory)/free-\(number)" }

    enum Name: Equatable {
        case segment(UInt32)
        case free(Int)
        case other
    }

    static func parse(_ name: String) -> Name {
        if name.hasPrefix("free-") {
            let digits = name.dropFirst(5)
            if isDecimal(digits), let number = Int(digits) { return .free(number) }
        } else if name.hasSuffix(".seg") {
            let digits = name.dropLast(4)
            if digits.utf8.count >= 8, isDecimal(digits), let number = UInt32(digits), number > 0 {
                return .segment(number)
            }
        }
        return .other
    }

    private static func isDecimal(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }

    static func padded(_ count: Int) -> Int { (count + blockBytes - 1) & ~(blockBytes - 1) }
}

/// The first block of a segment. Durable before the segment has its name, and so before its first batch.
struct LogSegmentHeader: Hashable {
    var compatible: UInt64 = 0
    var incompatible: UInt64 = 0
    var drive: UniqueID
    var number: UInt32
    var salt: UInt64
    var firstLSN: LSN
    var segmentBytes: UInt64
    /// What lies at or beyond this in the segment before is cut for ever.
    var previousEnd: LSN

    private static let checksumOffset = LogFormat.blockBytes - 8

    func encode(into block: UnsafeMutableRawBufferPointer) {
        precondition(block.count == LogFormat.blockBytes, "a segment header is one block")
        block.copyBytes(from: repeatElement(0, count: block.count))
        block.copyBytes(from: LogFormat.segmentMagic)
        block.store(LogFormat.version, at: 8)
        block.store(UInt32(LogFormat.blockBytes), at: 12)
        block.store(compatible, at: 16)
        block.store(incompatible, at: 24)
        block.store(drive.high, at: 32)
        block.store(drive.low, at: 40)
        block.store(number, at: 48)
        block.store(salt, at: 56)
        block.store(firstLSN.rawValue, at: 64)
        block.store(segmentBytes, at: 72)
        block.store(previousEnd.rawValue, at: 80)
        let covered = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block)[..<Self.checksumOffset])
        block.store(LogChecksum.of(covered, seed: 0), at: Self.checksumOffset)
    }

    enum Decoded {
        case header(LogSegmentHeader)
        /// The bytes are whole, but of a format that this reader must not guess at.
        case unsupported(version: UInt32, features: UInt64)
        case bad
    }

    static func decode(_ block: UnsafeRawBufferPointer) -> Decoded {
        guard block.count == LogFormat.blockBytes, block.starts(with: LogFormat.segmentMagic) else { return .bad }
        let covered = UnsafeRawBufferPointer(rebasing: block[..<checksumOffset])
        guard block.load(UInt64.self, at: checksumOffset) == LogChecksum.of(covered, seed: 0) else { return .bad }
        let version = block.load(UInt32.self, at: 8), incompatible = block.load(UInt64.self, at: 24)
        let unknown = incompatible & ~LogFormat.knownIncompatible
        guard version == LogFormat.version, unknown == 0 else {
            return .unsupported(version: version, features: unknown)
        }
        let segmentBytes = block.load(UInt64.self, at: 72)
        guard segmentBytes % UInt64(LogFormat.blockBytes) == 0, segmentBytes <= UInt64(UInt32.max) else { return .bad }
        return .header(
            LogSegmentHeader(
                compatible: block.load(UInt64.self, at: 16), incompatible: incompatible,
                drive: UniqueID(high: block.load(UInt64.self, at: 32), low: block.load(UInt64.self, at: 40)),
                number: block.load(UInt32.self, at: 48), salt: block.load(UInt64.self, at: 56),
                firstLSN: LSN(rawValue: block.load(UInt64.self, at: 64)), segmentBytes: segmentBytes,
                previousEnd: LSN(rawValue: block.load(UInt64.self, at: 80))))
    }
}

/// The first 64 bytes of a batch. The checksum covers header and records, seeded with the segment's salt, its own field as zero.
struct LogBatchHeader: Hashable {
    static let checksumOffset = 32

    var recordCount: UInt32
    var salt: UInt64
    var lsn: LSN
    /// Header and records, without the padding.
    var length: UInt32
    var checksum: UInt64

    /// Fills the header of a batch whose records are in place, and its checksum.
    static func seal(_ batch: UnsafeMutableRawBufferPointer, recordCount: Int, salt: UInt64, lsn: LSN) {
        for offset in stride(from: 0, to: LogFormat.batchHeaderBytes, by: 8) { batch.store(UInt64(0), at: offset) }
        batch.store(LogFormat.batchMagic, at: 0)
        batch.store(UInt32(recordCount), at: 4)
        batch.store(salt, at: 8)
        batch.store(lsn.rawValue, at: 16)
        batch.store(UInt32(batch.count), at: 24)
        batch.store(LogChecksum.of(UnsafeRawBufferPointer(batch), seed: salt), at: checksumOffset)
    }

    /// The header if it could be that of a batch at `lsn` that ends within `room` bytes. The checksum is not looked at.
    static func decode(_ bytes: UnsafeRawBufferPointer, salt: UInt64?, lsn: LSN, room: Int) -> LogBatchHeader? {
        guard bytes.count >= LogFormat.batchHeaderBytes, bytes.load(UInt32.self, at: 0) == LogFormat.batchMagic else {
            return nil
        }
        let header = LogBatchHeader(
            recordCount: bytes.load(UInt32.self, at: 4), salt: bytes.load(UInt64.self, at: 8),
            lsn: LSN(rawValue: bytes.load(UInt64.self, at: 16)), length: bytes.load(UInt32.self, at: 24),
            checksum: bytes.load(UInt64.self, at: checksumOffset))
        let length = Int(header.length)
        guard header.lsn == lsn, salt == nil || header.salt == salt, header.recordCount > 0,
            length > LogFormat.batchHeaderBytes, length <= LogFormat.batchBytesLimit, LogFormat.padded(length) <= room
        else { return nil }
        return header
    }

    /// True when `batch` (header and records) is what was sealed. Changes the checksum field to zero for the computation.
    func verify(_ batch: UnsafeMutableRawBufferPointer) -> Bool {
        batch.store(UInt64(0), at: Self.checksumOffset)
        defer { batch.store(checksum, at: Self.checksumOffset) }
        return LogChecksum.of(UnsafeRawBufferPointer(batch), seed: salt) == checksum
    }
}

extension UnsafeMutableRawBufferPointer {
    func store<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self)
    }
}

extension UnsafeRawBufferPointer {
    func load<Value: FixedWidthInteger>(_: Value.Type, at offset: Int) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
}

/// For tests that forge batches.
package enum LogTestHooks {
    package static func seal(_ batch: UnsafeMutableRawBufferPointer, recordCount: Int, salt: UInt64, lsn: LSN) {
        LogBatchHeader.seal(batch, recordCount: recordCount, salt: salt, lsn: lsn)
    }
}
