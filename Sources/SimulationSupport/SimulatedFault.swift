/// A fault to come: which operation it strikes, how often, and what it does.
package struct SimulatedFault: Sendable {
    /// The calls of `DriveIO` and `DriveFile`. `writeAndSync` is a `.write` followed by a `.sync`.
    package enum Call: Hashable, Sendable, CaseIterable {
        case open, list, makeDirectory, rename, remove, syncDirectory, space
        case read, write, sync, allocate, truncate, size
    }

    package enum Effect: Hashable, Sendable {
        /// Fails with this errno. A failed write may have changed any of its sectors; after a failed sync, un-synced writes may
        /// have been given up for ever although readers still see them.
        case error(Int32)
        /// The write stores a part of the bytes and reports so.
        case shortWrite
        /// The write reports success and stores nothing.
        case dropWrite
        /// The write reports success and stores any part of its sectors.
        case tearWrite
        /// The write reports success and stores its bytes this far from where they belong, in the same file.
        case misdirectWrite(by: Int64)
        /// The read reports success and delivers bytes with some bits turned; the medium is not changed.
        case corruptRead
        /// The power goes while the operation is under way.
        case cutPower
        /// The process dies while the operation is under way.
        case kill
        /// The call does not return until `SimulatedDrive.release()`.
        case stall
    }

    package var effect: Effect
    /// nil strikes any call.
    package var call: Call?
    /// Strikes paths that start with this; the empty prefix strikes all.
    package var pathPrefix: String
    /// How many matching operations pass before the first that is struck.
    package var skipping: Int
    /// How many are struck; afterwards the fault is gone.
    package var times: Int

    package init(
        _ effect: Effect, on call: Call? = nil, pathPrefix: String = "", skipping: Int = 0, times: Int = 1
    ) {
        self.effect = effect
        self.call = call
        self.pathPrefix = pathPrefix
        self.skipping = skipping
        self.times = times
    }

    /// Counts an operation; the effect if it is struck.
    mutating func strike(_ call: Call, _ path: String) -> Effect? {
        guard times > 0, self.call == nil || self.call == call, path.hasPrefix(pathPrefix) else { return nil }
        guard skipping == 0 else {
            skipping -= 1
            return nil
        }
        times -= 1
        return effect
    }
}
