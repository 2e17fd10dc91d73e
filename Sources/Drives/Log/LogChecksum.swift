import Digests

/// The checksum of the log's batches and headers: CRC-64/NVME, started at the seed.
enum LogChecksum {
    static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 { BlockChecksum.of(bytes, seed: seed) }
}
