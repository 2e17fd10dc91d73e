import Drives
import Objects
import Telemetry

/// Sets and drives in Prometheus text.
enum DriveMetrics {
    static func render(_ store: Store, into text: inout PrometheusText) async {
        var statuses: [SetStatus] = [], audits: [SetAudit] = [],
            drives: [(labels: [(String, String)], DriveStatistics)] = []
        for (index, set) in store.sets.enumerated() {
            statuses.append(await set.status)
            audits.append(await set.audit)
            for (slot, statistics) in await set.driveStatistics.enumerated() {
                guard let statistics else { continue }
                drives.append(([("set", "\(index)"), ("slot", "\(slot)")], statistics))
            }
        }
        SetMetrics.render(statuses, audits, store.layout.geometry, into: &text)
        text.family("martlet_set_writable", .gauge, "1 when the set takes writes.")
        for (index, status) in statuses.enumerated() { text.sample([("set", "\(index)")], status.isWritable ? 1 : 0) }
        text.family("martlet_set_commits_missed", .gauge, "Commits that a drive does not hold yet.")
        for (index, status) in statuses.enumerated() {
            for (slot, state) in status.slots.enumerated() {
                text.sample([("set", "\(index)"), ("slot", "\(slot)")], state.missed)
            }
        }
        text.family("martlet_drive_online", .gauge, "1 when the drive takes part.")
        for (index, status) in statuses.enumerated() {
            for (slot, state) in status.slots.enumerated() {
                text.sample([("set", "\(index)"), ("slot", "\(slot)")], state.isHere ? 1 : 0)
            }
        }
        text.family("martlet_drive_rebuilding", .gauge, "1 while the drive is being rebuilt.")
        for (index, status) in statuses.enumerated() {
            for (slot, state) in status.slots.enumerated() {
                text.sample([("set", "\(index)"), ("slot", "\(slot)")], state.isRebuilding ? 1 : 0)
            }
        }
        let gauges: [(String, String, KeyPath<DriveStatistics, UInt64>)] = [
            ("martlet_drive_total_bytes", "Space of the drive's file system.", \.totalBytes),
            ("martlet_drive_free_bytes", "Free space of the drive's file system.", \.freeBytes),
            ("martlet_drive_log_bytes", "Bytes of log segments.", \.logBytes),
            ("martlet_drive_index_bytes", "Bytes of index tables.", \.indexBytes),
            ("martlet_drive_data_bytes", "Bytes of data segments.", \.dataBytes),
            ("martlet_drive_live_data_bytes", "Bytes of data segments and log that rows name.", \.liveDataBytes),
            (
                "martlet_drive_memtable_bytes", "Bytes of the index in memory that are not in tables yet.",
                \.memtableBytes
            ),
            ("martlet_drive_tables", "Index tables.", \.tables),
            (
                "martlet_drive_damaged_batches", "Damaged batches that the last start found in the log.",
                \.damagedBatches
            ),
        ]
        let counters: [(String, String, KeyPath<DriveStatistics, UInt64>)] = [
            ("martlet_drive_log_batches_total", "Batches written to the log.", \.batches),
            ("martlet_drive_log_records_total", "Records written to the log.", \.records),
            ("martlet_drive_syncs_total", "Syncs.", \.syncs),
            ("martlet_drive_flushes_total", "Memtables written as tables.", \.flushes),
            ("martlet_drive_compactions_total", "Compactions.", \.compactions),
            ("martlet_drive_cleanings_total", "Log segments cleaned of dead packed data.", \.cleanings),
            (
                "martlet_drive_checksum_mismatches_total", "Reads whose bytes did not match their checksum.",
                \.checksumMismatches
            ),
            ("martlet_drive_damaged_rows_total", "Rows of the index that could not be read.", \.damagedRows),
            (
                "martlet_drive_failed_background_work_total", "Flushes, compactions and cleanings that failed.",
                \.failedBackgroundWork
            ),
            ("martlet_drive_block_cache_hits_total", "Index blocks found in memory.", \.cacheHits),
            ("martlet_drive_block_cache_misses_total", "Index blocks read from the drive.", \.cacheMisses),
        ]
        for (name, help, value) in gauges {
            text.family(name, .gauge, help)
            for drive in drives { text.sample(drive.labels, drive.1[keyPath: value]) }
        }
        for (name, help, value) in counters {
            text.family(name, .counter, help)
            for drive in drives { text.sample(drive.labels, drive.1[keyPath: value]) }
        }
        text.family("martlet_drive_full", .gauge, "1 while the drive refuses puts until space is freed.")
        for drive in drives { text.sample(drive.labels, drive.1.isFull ? 1 : 0) }
        text.family("martlet_drive_poisoned", .gauge, "1 when a failed write or sync closed the drive's write path.")
        for drive in drives { text.sample(drive.labels, drive.1.isPoisoned ? 1 : 0) }
    }
}
