package import ObjectFormat
package import SimulationSupport

/// What a schedule may do to its drives.
package enum FaultMode: String, CaseIterable, Sendable {
    /// Drives lost, and drives that missed commits, stay within parity: nothing acknowledged may be lost.
    case within
    /// More is lost than parity makes good: reads may fail, but never lie.
    case beyond
}

/// One event of a schedule. `salt` decides its details, so that a schedule with steps taken out does the rest as before.
package struct SimulationStep: Sendable, CustomStringConvertible {
    package enum Action: Hashable, Sendable {
        // Clients
        case put(key: Int, size: Int)
        case putIfAbsent(key: Int)
        case putIfMatch(key: Int)
        case delete(key: Int)
        case deleteVersion(key: Int)
        case read(key: Int)
        case list
        case upload(key: Int, parts: Int)
        case abandonUpload(key: Int)
        case rename
        /// A PUT whose client goes away while it is under way.
        case cancelledPut(key: Int, afterMicroseconds: Int)
        case pause(microseconds: Int)
        // The process
        case powerCut, kill, flush(slot: Int), sweep
        // Drives
        case away(slot: Int), back
        case stall(slot: Int), release
        case failCall(slot: Int, SimulatedFault.Call, errno: Int32, skipping: Int)
        case shortWrite(slot: Int, skipping: Int)
        case corruptRead(slot: Int, skipping: Int)
        case dieAt(slot: Int, SimulatedFault.Call, skipping: Int, cutsPower: Bool)
        /// A write of data that is reported and not made, or made elsewhere.
        case lie(slot: Int, skipping: Int, misdirects: Bool)
        case rot(slot: Int, bits: Int)
        case unreadable(slot: Int)
        /// The drive's contents are gone: noticed while running, or replaced with the operator's word at a start.
        case empty(slot: Int), replace(slot: Int)
    }
    package var action: Action
    package var salt: UInt64

    package var description: String { "\(action) #\(salt % 10_000)" }
}

/// A whole schedule: a function of its seed, mode and length.
package struct SimulationPlan: Sendable {
    package var seed: UInt64
    package var mode: FaultMode
    package var geometry: Geometry
    package var sets: Int
    /// Bytes of each drive; nil has no end.
    package var capacityBytes: UInt64?
    package var steps: [SimulationStep]

    static let geometries = [(2, 2), (2, 1), (1, 1), (3, 2), (2, 2), (4, 2), (3, 3), (1, 0)].map {
        Geometry(data: $0.0, parity: $0.1)
    }

    /// The drives in words: `1 set of 2+2`.
    package var drivesText: String { "\(sets) set\(sets == 1 ? "" : "s") of \(geometry.data)+\(geometry.parity)" }

    package init(seed: UInt64, mode: FaultMode = .within, stepCount: Int = 120) {
        self.seed = seed
        self.mode = mode
        var dice = SplitMix64(seed: seed &* 0x9E37_79B9 &+ 17)
        let geometry = Self.geometries[dice.below(Self.geometries.count)]
        self.geometry = geometry
        sets = dice.chance(0.25) ? 2 : 1
        capacityBytes = dice.chance(0.2) ? 12 << 20 : nil
        let drives = geometry.data + geometry.parity
        // A schedule has a temper: quiet ones go deep into one fault, wild ones mix them.
        let faultiness = [0.1, 0.3, 0.5][dice.below(3)]
        steps = (0..<stepCount).map { _ in
            let action =
                dice.chance(faultiness)
                ? Self.fault(&dice, slot: dice.below(drives)) : Self.request(&dice)
            return SimulationStep(action: action, salt: dice.next())
        }
    }

    private static func request(_ dice: inout SplitMix64) -> SimulationStep.Action {
        let key = dice.below(SimulationKeys.registers)
        switch dice.below(100) {
        case ..<30: return .put(key: key, size: size(&dice))
        case ..<36: return .putIfAbsent(key: dice.below(SimulationKeys.onceCount))
        case ..<42: return .putIfMatch(key: key)
        case ..<50: return .delete(key: key)
        case ..<54: return .deleteVersion(key: dice.below(SimulationKeys.historyCount))
        case ..<72: return .read(key: key)
        case ..<78: return .list
        case ..<83: return .upload(key: key, parts: 1 + dice.below(3))
        case ..<85: return .abandonUpload(key: key)
        case ..<88: return .rename
        case ..<91: return .cancelledPut(key: key, afterMicroseconds: dice.below(3_000))
        default: return .pause(microseconds: [500, 20_000, 1_500_000][dice.below(3)])
        }
    }

    private static func size(_ dice: inout SplitMix64) -> Int {
        switch dice.below(10) {
        case ..<5: 8 + dice.below(200)
        case ..<7: 3_000 + dice.below(6_000)
        case ..<9: 60_000 + dice.below(90_000)
        default: 300_000 + dice.below(400_000)
        }
    }

    private static func fault(_ dice: inout SplitMix64, slot: Int) -> SimulationStep.Action {
        let skipping = dice.below(12)
        switch dice.below(100) {
        case ..<10: return .powerCut
        case ..<16: return .kill
        case ..<28: return .away(slot: slot)
        case ..<42: return .back
        case ..<47: return .stall(slot: slot)
        case ..<56: return .release
        case ..<62: return .flush(slot: slot)
        case ..<64: return .sweep
        case ..<72:
            let calls: [SimulatedFault.Call] = [.write, .sync, .read, .allocate, .rename, .syncDirectory, .open]
            return .failCall(
                slot: slot, calls[dice.below(calls.count)], errno: dice.chance(0.3) ? 28 : 5, skipping: skipping)
        case ..<74: return .shortWrite(slot: slot, skipping: skipping)
        case ..<78: return .corruptRead(slot: slot, skipping: skipping)
        case ..<84:
            let calls: [SimulatedFault.Call] = [.write, .sync, .rename, .allocate]
            return .dieAt(
                slot: slot, calls[dice.below(calls.count)], skipping: skipping, cutsPower: dice.chance(0.6))
        case ..<87: return .lie(slot: slot, skipping: skipping, misdirects: dice.chance(0.4))
        case ..<92: return .rot(slot: slot, bits: 1 + dice.below(40))
        case ..<94: return .unreadable(slot: slot)
        case ..<97: return .empty(slot: slot)
        default: return .replace(slot: slot)
        }
    }
}

/// The keys that schedules use, by what may happen to them.
enum SimulationKeys {
    static let plainBucket = "plain"
    static let versionedBucket = "versions"
    /// Keys with one current value, in both buckets: the last two are in the one that keeps versions.
    static let registers = 6
    static let onceCount = 3
    static let historyCount = 2
    static let tokenPlaces = 3

    static func isVersioned(_ register: Int) -> Bool { register >= 4 }
    static func bucket(_ register: Int) -> String { isVersioned(register) ? versionedBucket : plainBucket }
    static func register(_ number: Int) -> ObjectKey { key("r/\(number)") }
    /// Written only on condition that nothing is there, and never deleted.
    static func once(_ number: Int) -> ObjectKey { key("once/\(number)") }
    /// In the bucket that keeps versions; versions are deleted one by one.
    static func history(_ number: Int) -> ObjectKey { key("h/\(number)") }
    /// One object moves between these.
    static func token(_ place: Int) -> ObjectKey { key("token/\(place)") }

    private static func key(_ text: String) -> ObjectKey { ObjectKey(Array(text.utf8)) }
}
