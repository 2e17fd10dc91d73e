package import Base
import ObjectFormat
import Objects
import S3Frontend
import Synchronization

/// What probes are told, refreshed once a second so that a probe never waits for a set.
package final class ServerHealth: HealthReporter {
    private struct State {
        var isReady = false
        var canWrite = false
        var writeQuorum = 0
    }
    private let state = Mutex(State())

    package init() {}

    package var isReady: Bool { state.withLock { $0.isReady } }
    package var cluster: (canWrite: Bool, writeQuorum: Int) { state.withLock { ($0.canWrite, $0.writeQuorum) } }

    package func refresh(_ store: Store) async {
        var isReady = true, canWrite = true
        for set in store.sets {
            let status = await set.status
            isReady = isReady && status.isServing
            canWrite = canWrite && status.isWritable
        }
        let geometry = store.layout.geometry
        let quorum = geometry.parity == geometry.data ? geometry.data + 1 : geometry.data
        let seen = (isReady, canWrite)
        state.withLock { state in
            (state.isReady, state.canWrite) = seen
            state.writeQuorum = quorum
        }
    }

    /// `say` takes what the operator should know of drives.
    package func run(_ store: Store, executor: any PinnedExecutor, say: (String) -> Void) async {
        var watch = DriveWatch()
        while !Task.isCancelled {
            await refresh(store)
            var statuses: [SetStatus] = []
            for set in store.sets { statuses.append(await set.status) }
            for line in watch.lines(statuses, path: store.path) { say(line) }
            do { try await executor.sleep(for: .seconds(1)) } catch { return }
        }
    }
}
