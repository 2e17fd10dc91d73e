import CErasure

/// A systematic Reed–Solomon code over GF(2^8): k data shards, m parity shards, any k of which give all the others.
///
/// Shards 0 to k − 1 are the data, k to k + m − 1 the parity. The coefficients are an on-disk format: Docs/formats/erasure.md.
/// Holds the kernels' tables, so one value per geometry is made and kept. No call allocates.
package struct ReedSolomon: Sendable {
    package static let shardsMax = 16

    package let dataCount: Int
    package let parityCount: Int
    package var shardCount: Int { dataCount + parityCount }

    /// (k + m) rows of k coefficients; the first k rows are the identity.
    private let matrix: [UInt8]
    /// What the encoding kernel reads, for the parity rows.
    private let parityTables: [UInt8]

    package init(data: Int, parity: Int) {
        precondition(data >= 1 && parity >= 0 && data + parity <= Self.shardsMax, "a geometry has 1 to 16 shards")
        dataCount = data
        parityCount = parity
        matrix = Self.matrix(data: data, parity: parity)
        var tables = [UInt8](repeating: 0, count: Self.tableBytes * data * parity)
        if parity > 0 {
            matrix.withUnsafeBufferPointer { matrix in
                guard let base = matrix.baseAddress else { return }
                cerasure_tables(Int32(data), Int32(parity), base + data * data, &tables)
            }
        }
        parityTables = tables
    }

    private static let tableBytes = 32

    /// Cauchy rows 1 / (row XOR column): every square submatrix of a Cauchy matrix has an inverse, so any k shards suffice. With one
    /// data shard the parity shards are copies, so that any of them can be served as it is.
    static func matrix(data: Int, parity: Int) -> [UInt8] {
        var matrix = [UInt8](repeating: 0, count: (data + parity) * data)
        for row in 0..<data + parity {
            for column in 0..<data {
                let identity: UInt8 = row == column ? 1 : 0
                let cauchy = data == 1 ? 1 : cerasure_inverse(UInt8(row ^ column))
                matrix[row * data + column] = row < data ? identity : cauchy
            }
        }
        return matrix
    }

    /// The coefficient of data shard `column` in shard `row`.
    package func coefficient(row: Int, column: Int) -> UInt8 { matrix[row * dataCount + column] }

    /// Computes the parity shards of `count` bytes of each data shard, from `offset` on. Fastest when all pointers are 64-byte aligned and `count` is
    /// at most 64 KiB, while the data is still in cache.
    package func encode(
        data: [UnsafeRawPointer], parity: [UnsafeMutableRawPointer], offset: Int = 0, count: Int
    ) {
        precondition(data.count == dataCount && parity.count == parityCount, "one pointer a shard")
        guard parityCount > 0, count > 0 else { return }
        withUnsafeTemporaryAllocation(of: UnsafeRawPointer?.self, capacity: dataCount) { inputs in
            withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: parityCount) { outputs in
                for i in 0..<dataCount { inputs.initializeElement(at: i, to: data[i] + offset) }
                for i in 0..<parityCount { outputs.initializeElement(at: i, to: parity[i] + offset) }
                Self.apply(
                    parityTables, rows: parityCount, columns: dataCount, inputs: inputs, outputs: outputs, count: count)
            }
        }
    }

    /// Computes the wanted shards, data or parity, from any k others. Of `present` the first k are used.
    package func reconstruct(
        present: [(shard: Int, bytes: UnsafeRawPointer)], missing: [(shard: Int, bytes: UnsafeMutableRawPointer)],
        count: Int
    ) {
        precondition(present.count >= dataCount, "k shards are needed to compute another")
        guard !missing.isEmpty, count > 0 else { return }
        let k = dataCount
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.tableBytes * k * missing.count) { tables in
            decodingTables(present: present, missing: missing, into: tables)
            withUnsafeTemporaryAllocation(of: UnsafeRawPointer?.self, capacity: k) { inputs in
                withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: missing.count) { outputs in
                    for i in 0..<k { inputs.initializeElement(at: i, to: present[i].bytes) }
                    for i in 0..<missing.count { outputs.initializeElement(at: i, to: missing[i].bytes) }
                    Self.apply(
                        UnsafeBufferPointer(tables), rows: missing.count, columns: k, inputs: inputs, outputs: outputs,
                        count: count)
                }
            }
        }
    }

    /// Tables for (rows of the wanted shards) × (inverse of the rows of the present ones). An inversion takes 0.3 µs at 2+2 and 13 µs
    /// at 12+4, so nothing is kept from call to call.
    private func decodingTables(
        present: [(shard: Int, bytes: UnsafeRawPointer)], missing: [(shard: Int, bytes: UnsafeMutableRawPointer)],
        into tables: UnsafeMutableBufferPointer<UInt8>
    ) {
        let k = dataCount
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 * k * k + missing.count * k) { scratch in
            scratch.initialize(repeating: 0)
            guard let chosen = scratch.baseAddress, let expanded = tables.baseAddress else { return }
            let inverse = chosen + k * k, wanted = chosen + 2 * k * k
            var seen: UInt32 = 0
            for i in 0..<k {
                let shard = present[i].shard
                precondition(shard >= 0 && shard < shardCount, "a shard of this geometry")
                precondition(seen & 1 << UInt32(shard) == 0, "each present shard once")
                seen |= 1 << UInt32(shard)
                for j in 0..<k { chosen[i * k + j] = matrix[shard * k + j] }
            }
            let outcome = cerasure_invert(chosen, inverse, Int32(k))
            precondition(outcome == 0, "any k rows of the matrix have an inverse")
            for (row, shard) in missing.lazy.map(\.shard).enumerated() {
                precondition(shard >= 0 && shard < shardCount, "a shard of this geometry")
                for column in 0..<k {
                    var sum: UInt8 = 0
                    for i in 0..<k { sum ^= cerasure_multiply(matrix[shard * k + i], inverse[i * k + column]) }
                    wanted[row * k + column] = sum
                }
            }
            cerasure_tables(Int32(k), Int32(missing.count), wanted, expanded)
        }
    }

    private static func apply(
        _ tables: [UInt8], rows: Int, columns: Int, inputs: UnsafeMutableBufferPointer<UnsafeRawPointer?>,
        outputs: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>, count: Int
    ) {
        tables.withUnsafeBufferPointer {
            apply($0, rows: rows, columns: columns, inputs: inputs, outputs: outputs, count: count)
        }
    }

    private static func apply(
        _ tables: UnsafeBufferPointer<UInt8>, rows: Int, columns: Int,
        inputs: UnsafeMutableBufferPointer<UnsafeRawPointer?>,
        outputs: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>, count: Int
    ) {
        precondition(count <= Int(Int32.max), "a shard piece is shorter than 2 GiB")
        cerasure_apply(
            Int32(count), Int32(columns), Int32(rows), tables.baseAddress, inputs.baseAddress, outputs.baseAddress)
    }
}
