/// Who may run now, and who is next, when more is asked for than may be under way at once.
///
/// Start-time fair queueing between tenants, first come first served within one: each entry gets a start tag (the virtual time, or where
/// the tenant's last entry ends, whichever is later) and ends 1/weight after it; of those that wait the smallest start tag is next.
/// Beside it a guarantee: a tenant that has less under way than its share of the ceiling by weight does not wait, whatever the others
/// hold for however long. So nobody starves, and the ceiling is exceeded by the shares of those who came last at most.
///
/// While one tenant alone is active, `alone` is the ceiling: nobody has to be protected from it, and depth is throughput. When
/// another was seen within the last second it is `shared`, which bounds what stands before a newcomer on the loop.
///
/// A value: times come in, and what waits is whatever the caller wakes.
package struct FairQueue<Waiter: Sendable>: Sendable {
    package struct Parameters: Hashable, Sendable {
        package var alone: Int
        package var shared: Int
        /// Entries that may wait; more are refused.
        package var waitingMax: Int
        /// Nanoseconds that a new request may wait; it is refused when its turn comes later.
        package var patience: UInt64 = 10_000_000_000

        package init(alone: Int, shared: Int, waitingMax: Int) {
            self.alone = max(alone, 1)
            self.shared = max(min(shared, alone), 1)
            self.waitingMax = max(waitingMax, 0)
        }
    }

    package enum Entry: Hashable, Sendable {
        case admitted
        /// Call `wait` to stand in the queue.
        case mustWait
        case refused
    }

    /// A waiter whose time has come: to run, or to be told that it was too long.
    package struct Decision: Sendable {
        package var waiter: Waiter
        package var isAdmitted: Bool
    }

    package struct Tenant: Sendable {
        package let name: String
        package fileprivate(set) var weight: UInt64
        package fileprivate(set) var underWay = 0
        package var waiting: Int { queue.count - head }
        /// Entries that had to wait and were admitted, for how long in all, and entries that were refused.
        package fileprivate(set) var waits: UInt64 = 0
        package fileprivate(set) var waitedNanoseconds: UInt64 = 0
        package fileprivate(set) var refusals: UInt64 = 0

        fileprivate var queue: [Place] = []
        fileprivate var head = 0
        /// Where the tag of the last entry ends.
        fileprivate var finish: UInt64 = 0
        fileprivate var lastSeen: UInt64 = 0
        fileprivate var isActive = false
    }

    fileprivate struct Place: Sendable {
        let waiter: Waiter
        let start: UInt64
        let since: UInt64
        /// Has begun already and can't be refused any more.
        let hasBegun: Bool
    }

    package let parameters: Parameters
    package private(set) var tenants: [Tenant] = []
    package private(set) var underWay = 0
    package private(set) var waiting = 0
    private var indexes: [String: Int] = [:]
    private var weights: [String: Int]
    /// Tenants that have something under way or waiting, or were seen of late; and their weights' sum.
    private var active: [Int] = []
    private var activeWeight: UInt64 = 0
    private var nextExpiry: UInt64 = 0
    private var virtualTime: UInt64 = 0

    package static var weightMax: Int { 1000 }
    /// What one entry of weight 1 advances the tag by: divisible by small weights, and far from overflow.
    private static var unit: UInt64 { 720_720 }
    private static var lingerNanoseconds: UInt64 { 1_000_000_000 }
    private static var expiryNanoseconds: UInt64 { 100_000_000 }

    package init(_ parameters: Parameters, weights: [String: Int] = [:]) {
        self.parameters = parameters
        self.weights = weights
    }

    // MARK: Events

    /// The number by which a tenant is called from then on.
    package mutating func index(of name: String) -> Int {
        if let index = indexes[name] { return index }
        tenants.append(Tenant(name: name, weight: Self.weight(weights[name])))
        indexes[name] = tenants.count - 1
        return tenants.count - 1
    }

    package mutating func enter(_ index: Int, at now: UInt64, hasBegun: Bool = false) -> Entry {
        touch(index, now)
        if tenants[index].waiting == 0, mayRun(index, isNew: true) {
            admit(index, start: nextStart(index))
            return .admitted
        }
        if hasBegun || waiting < parameters.waitingMax { return .mustWait }
        tenants[index].refusals += 1
        return .refused
    }

    package mutating func wait(_ index: Int, _ waiter: Waiter, at now: UInt64, hasBegun: Bool = false) {
        tenants[index].queue.append(Place(waiter: waiter, start: nextStart(index), since: now, hasBegun: hasBegun))
        waiting += 1
    }

    /// One entry has ended. Returns those whose turn it is, in order.
    package mutating func leave(_ index: Int, at now: UInt64) -> [Decision] {
        tenants[index].underWay -= 1
        underWay -= 1
        tenants[index].lastSeen = now
        guard waiting > 0 else { return [] }
        return decide(at: now)
    }

    package mutating func setWeights(_ weights: [String: Int]) {
        self.weights = weights
        for index in tenants.indices { tenants[index].weight = Self.weight(weights[tenants[index].name]) }
        activeWeight = active.reduce(0) { $0 + tenants[$1].weight }
    }

    // MARK: Pieces

    private static func weight(_ given: Int?) -> UInt64 { UInt64(min(max(given ?? 1, 1), weightMax)) }

    private mutating func touch(_ index: Int, _ now: UInt64) {
        tenants[index].lastSeen = now
        if !tenants[index].isActive {
            tenants[index].isActive = true
            active.append(index)
            activeWeight += tenants[index].weight
        }
        guard now >= nextExpiry, active.count > 1 else { return }
        nextExpiry = now &+ Self.expiryNanoseconds
        for index in active where isGone(index, now) {
            tenants[index].isActive = false
            activeWeight -= tenants[index].weight
        }
        active.removeAll { !tenants[$0].isActive }
    }

    private func isGone(_ index: Int, _ now: UInt64) -> Bool {
        let tenant = tenants[index]
        return tenant.underWay == 0 && tenant.waiting == 0 && now > tenant.lastSeen &+ Self.lingerNanoseconds
    }

    private var ceiling: Int { active.count > 1 ? parameters.shared : parameters.alone }

    /// What a tenant may always have under way.
    private func share(_ index: Int) -> Int {
        max(1, Int(UInt64(ceiling) * tenants[index].weight / max(activeWeight, 1)))
    }

    /// A newcomer does not overtake those who wait, except within its share.
    private func mayRun(_ index: Int, isNew: Bool) -> Bool {
        if underWay < ceiling, !isNew || waiting == 0 { return true }
        return tenants[index].underWay < share(index)
    }

    private mutating func nextStart(_ index: Int) -> UInt64 {
        let start = max(virtualTime, tenants[index].finish)
        tenants[index].finish = start + Self.unit / tenants[index].weight
        return start
    }

    private mutating func admit(_ index: Int, start: UInt64) {
        tenants[index].underWay += 1
        underWay += 1
        virtualTime = max(virtualTime, start)
    }

    private mutating func decide(at now: UInt64) -> [Decision] {
        var decisions: [Decision] = []
        while waiting > 0, let index = next() {
            let place = tenants[index].queue[tenants[index].head]
            tenants[index].head += 1
            if tenants[index].head >= 32, tenants[index].head * 2 >= tenants[index].queue.count {
                tenants[index].queue.removeFirst(tenants[index].head)
                tenants[index].head = 0
            }
            waiting -= 1
            let waited = now > place.since ? now - place.since : 0
            if !place.hasBegun, waited > parameters.patience {
                tenants[index].refusals += 1
                decisions.append(Decision(waiter: place.waiter, isAdmitted: false))
                continue
            }
            tenants[index].waits += 1
            tenants[index].waitedNanoseconds += waited
            admit(index, start: place.start)
            decisions.append(Decision(waiter: place.waiter, isAdmitted: true))
        }
        return decisions
    }

    /// Of the tenants that may have one more under way, the one whose first in line has the smallest tag.
    private func next() -> Int? {
        var best: Int?, bestStart = UInt64.max
        for index in active where tenants[index].waiting > 0 && mayRun(index, isNew: false) {
            let start = tenants[index].queue[tenants[index].head].start
            if start < bestStart { (best, bestStart) = (index, start) }
        }
        return best
    }
}
