/// The executor of everything that belongs to one core: its connections' tasks, its erasure sets and their drives.
///
/// A `Loop` in the server; the seeded executor in a simulation, which replays interleavings. Being SerialExecutor and
/// TaskExecutor in one object is what keeps a continuation that is resumed on its thread from hopping to the global pool.
package protocol PinnedExecutor: SerialExecutor, TaskExecutor {
    /// Starts a tracked task that prefers this executor. The only way in which a task starts below the composition root.
    func spawn(_ operation: @escaping @Sendable () async -> Void)

    /// Suspends the calling task for `duration`; returns early, throwing `CancellationError`, when it is cancelled.
    func sleep(for duration: Duration) async throws
}

/// Moves the calling task to the executor that it prefers; nothing happens when it is there.
///
/// Functions that inherit their caller's isolation do not move by themselves when `withTaskExecutorPreference` begins or ends: the
/// compiler takes the caller's executor for unchanged. A concurrent function does move, so one is called at both ends.
@concurrent @inline(never)
package func moveToPreferredExecutor() async {}
