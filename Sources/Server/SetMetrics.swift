import ObjectFormat
import Objects
import Telemetry

/// Erasure sets in Prometheus text: state, quorums, and what should not happen unnoticed.
enum SetMetrics {
    static func render(
        _ statuses: [SetStatus], _ audits: [SetAudit], _ geometry: Geometry, into text: inout PrometheusText
    ) {
        let quorum = Quorum(geometry)
        let gauges: [(String, String, (SetStatus) -> Int)] = [
            ("martlet_set_serving", "1 when the set answers reads.", { $0.isServing ? 1 : 0 }),
            ("martlet_set_drives", "Drives of the set.", { $0.slots.count }),
            ("martlet_set_drives_whole", "Drives that hold everything.", { $0.whole.count }),
            ("martlet_set_write_quorum", "Drives that a write needs.", { _ in quorum.write }),
            ("martlet_set_read_quorum", "Drives that a read of any object needs.", { _ in geometry.data }),
            ("martlet_set_commits_listed", "Commits that are not confirmed on every drive yet.", { $0.listed }),
            ("martlet_set_commits_in_flight", "Commits on their way to the drives.", { $0.inFlight }),
            ("martlet_set_commits_open", "Commits that are undecided until drives return.", { $0.open }),
            ("martlet_set_epoch", "The epoch of the set's leader.", { Int(clamping: $0.epoch) }),
        ]
        for (name, help, value) in gauges {
            text.family(name, .gauge, help)
            for (index, status) in statuses.enumerated() { text.sample([("set", "\(index)")], value(status)) }
        }
        let counters: [(String, String, (SetAudit) -> Int)] = [
            ("martlet_set_drives_lost_total", "Times that a drive was put away after an error.", { $0.drivesLost }),
            ("martlet_set_damaged_reads_total", "Reads that met damage on a drive.", { $0.damagedReads }),
            ("martlet_set_rows_repaired_total", "Rows copied to drives that lacked them.", { $0.rowsCopied }),
            ("martlet_set_drives_rebuilt_total", "Drives that were rebuilt.", { $0.drivesRebuilt }),
            ("martlet_set_commits_voided_total", "Commits that missed their quorum and were undone.", { $0.voided }),
            ("martlet_set_commits_completed_total", "Commits that a start completed.", { $0.completed }),
            ("martlet_set_starts_total", "Starts of the set: epochs begun.", { $0.starts }),
        ]
        for (name, help, value) in counters {
            text.family(name, .counter, help)
            for (index, audit) in audits.enumerated() { text.sample([("set", "\(index)")], value(audit)) }
        }
    }
}
