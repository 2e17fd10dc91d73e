import Limits
import Testing

/// Tenants with clients that ask again as soon as they are answered, on simulated time.
struct FairRun {
    struct Client: Sendable {
        var tenant: Int
        var service: UInt64
    }
    var queue: FairQueue<Int>
    var clients: [Client] = []
    /// Ends of what is under way: when, whose.
    private var ends: [(time: UInt64, client: Int)] = []
    private var asked: [UInt64] = []
    var now: UInt64 = 0
    var served: [Int] = []
    /// By tenant: the longest that a request waited for its turn.
    var longest: [UInt64] = []

    init(_ parameters: FairQueue<Int>.Parameters, weights: [String: Int] = [:]) {
        queue = FairQueue(parameters, weights: weights)
    }

    mutating func add(_ name: String, clients count: Int, service: UInt64) {
        let tenant = queue.index(of: name)
        while served.count <= tenant {
            served.append(0)
            longest.append(0)
        }
        for _ in 0..<count {
            clients.append(Client(tenant: tenant, service: service))
            asked.append(now)
            ask(clients.count - 1)
        }
    }

    private mutating func ask(_ client: Int) {
        asked[client] = now
        let tenant = clients[client].tenant
        switch queue.enter(tenant, at: now) {
        case .admitted: begin(client)
        case .mustWait: queue.wait(tenant, client, at: now)
        case .refused: Issue.record("refused")
        }
    }

    private mutating func begin(_ client: Int) {
        let tenant = clients[client].tenant
        longest[tenant] = max(longest[tenant], now - asked[client])
        let end = now + clients[client].service
        let place = ends.firstIndex { $0.time > end } ?? ends.count
        ends.insert((end, client), at: place)
    }

    mutating func run(until end: UInt64) {
        while let (time, client) = ends.first, time <= end {
            ends.removeFirst()
            now = time
            served[clients[client].tenant] += 1
            for decision in queue.leave(clients[client].tenant, at: now) {
                #expect(decision.isAdmitted)
                begin(decision.waiter)
            }
            ask(client)
        }
    }
}

@Suite struct FairQueueTests {
    static let millisecond: UInt64 = 1_000_000

    @Test func `below the ceiling nobody waits`() {
        var queue = FairQueue<Int>(.init(alone: 4, shared: 2, waitingMax: 10))
        let a = queue.index(of: "a")
        for _ in 0..<4 { #expect(queue.enter(a, at: 0) == .admitted) }
        #expect(queue.enter(a, at: 0) == .mustWait)
        #expect(queue.underWay == 4)
    }

    @Test func `within a tenant the first come is the first served`() {
        var queue = FairQueue<Int>(.init(alone: 1, shared: 1, waitingMax: 100))
        let a = queue.index(of: "a")
        #expect(queue.enter(a, at: 0) == .admitted)
        for waiter in 0..<80 {
            #expect(queue.enter(a, at: 0) == .mustWait)
            queue.wait(a, waiter, at: 0)
        }
        for waiter in 0..<80 { #expect(queue.leave(a, at: 1).map(\.waiter) == [waiter]) }
        #expect(queue.leave(a, at: 1).isEmpty && queue.underWay == 0 && queue.waiting == 0)
    }

    @Test func `the queue is bounded, but for those who have begun`() {
        var queue = FairQueue<Int>(.init(alone: 1, shared: 1, waitingMax: 1))
        let a = queue.index(of: "a")
        #expect(queue.enter(a, at: 0) == .admitted)
        #expect(queue.enter(a, at: 0) == .mustWait)
        queue.wait(a, 1, at: 0)
        #expect(queue.enter(a, at: 0) == .refused)
        #expect(queue.enter(a, at: 0, hasBegun: true) == .mustWait)
        #expect(queue.tenants[a].refusals == 1)
    }

    @Test func `who has waited for too long is told, and who has begun is not`() {
        var queue = FairQueue<Int>(.init(alone: 1, shared: 1, waitingMax: 9))
        let a = queue.index(of: "a"), late = 11 * UInt64(1_000_000_000)
        #expect(queue.enter(a, at: 0) == .admitted)
        queue.wait(a, 1, at: 0)
        queue.wait(a, 2, at: 0, hasBegun: true)
        queue.wait(a, 3, at: 0)
        let first = queue.leave(a, at: late)
        #expect(first.map(\.waiter) == [1, 2] && first.map(\.isAdmitted) == [false, true])
        let second = queue.leave(a, at: late)
        #expect(second.map(\.waiter) == [3] && second.map(\.isAdmitted) == [false])
        #expect(queue.underWay == 0)
    }

    @Test(arguments: [[1, 1], [1, 3], [2, 5], [1, 1, 2], [1, 10]]) func `busy tenants are served by weight`(
        _ weights: [Int]
    ) {
        let names = weights.indices.map { "tenant \($0)" }
        var run = FairRun(
            .init(alone: 1000, shared: 24, waitingMax: 10_000),
            weights: Dictionary(uniqueKeysWithValues: zip(names, weights)))
        // Numbers of clients differ, and count for nothing.
        for (index, name) in names.enumerated() {
            run.add(name, clients: 64 * (index + 1), service: Self.millisecond)
        }
        run.run(until: 100 * Self.millisecond)
        let before = run.served
        run.run(until: 2100 * Self.millisecond)
        let counts = zip(run.served, before).map { Double($0 - $1) }
        let total = counts.reduce(0, +), weight = Double(weights.reduce(0, +))
        for (count, own) in zip(counts, weights) {
            let share = count / total / (Double(own) / weight)
            #expect((0.8...1.2).contains(share), "\(weights): \(counts)")
        }
    }

    @Test func `a tenant within its share never waits, whatever others hold and for how long`() {
        var run = FairRun(.init(alone: 64, shared: 16, waitingMax: 10_000))
        run.add("quiet", clients: 1, service: Self.millisecond)
        run.add("greedy", clients: 1000, service: 5000 * Self.millisecond)
        run.run(until: 4000 * Self.millisecond)
        #expect(run.longest[0] == 0)
        #expect(run.served[0] >= 3999)
    }

    @Test func `nobody starves beside a thousand others`() {
        var run = FairRun(.init(alone: 64, shared: 4, waitingMax: 10_000), weights: ["heavy": 1000])
        run.add("heavy", clients: 500, service: Self.millisecond)
        for index in 0..<40 { run.add("light \(index)", clients: 2, service: Self.millisecond) }
        run.run(until: 500 * Self.millisecond)
        for index in 1...40 { #expect(run.served[index] > 50, "light \(index - 1): \(run.served[index])") }
        #expect(run.served[0] > 50)
    }

    @Test func `who was idle has saved nothing up`() {
        var run = FairRun(.init(alone: 1000, shared: 2, waitingMax: 10_000))
        run.add("a", clients: 10, service: Self.millisecond)
        run.add("c", clients: 1, service: Self.millisecond)
        run.run(until: 500 * Self.millisecond)
        let a = run.served[0]
        run.add("b", clients: 10, service: Self.millisecond)
        run.run(until: 600 * Self.millisecond)
        #expect(run.served[0] - a >= 50)
    }

    @Test func `alone a tenant has the whole ceiling, and again when the other has gone`() {
        var queue = FairQueue<Int>(.init(alone: 10, shared: 2, waitingMax: 100))
        let a = queue.index(of: "a"), b = queue.index(of: "b")
        #expect(queue.enter(b, at: 0) == .admitted)
        #expect(queue.leave(b, at: 0).isEmpty)
        #expect(queue.enter(a, at: 1) == .admitted)
        #expect(queue.enter(a, at: 1) == .admitted)
        #expect(queue.enter(a, at: 1) == .mustWait)
        let later = 3 * UInt64(1_000_000_000)
        for _ in 0..<8 { #expect(queue.enter(a, at: later) == .admitted) }
        #expect(queue.enter(a, at: later) == .mustWait)
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func `whatever happens, counts agree and all are answered`(_ seed: UInt64)
    {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        var queue = FairQueue<Int>(.init(alone: 1 + random(20), shared: 1 + random(8), waitingMax: 50))
        var running: [Int] = [], tenantOf: [Int: Int] = [:], next = 0, now: UInt64 = 0
        func settle(_ decisions: [FairQueue<Int>.Decision]) {
            for decision in decisions {
                guard let tenant = tenantOf.removeValue(forKey: decision.waiter) else {
                    Issue.record("seed \(seed): \(decision.waiter) was answered twice")
                    continue
                }
                if decision.isAdmitted { running.append(tenant) }
            }
        }
        for step in 0..<4000 {
            now += UInt64(random(20_000_000))
            if random(100) < (step < 3000 ? 55 : 0) {
                let tenant = queue.index(of: "\(random(6))")
                switch queue.enter(tenant, at: now) {
                case .admitted: running.append(tenant)
                case .mustWait:
                    queue.wait(tenant, next, at: now)
                    tenantOf[next] = tenant
                    next += 1
                case .refused: #expect(queue.waiting >= 50)
                }
                if random(200) == 0 { queue.setWeights(["\(random(6))": 1 + random(9)]) }
            } else if !running.isEmpty {
                settle(queue.leave(running.remove(at: random(running.count)), at: now))
            }
            #expect(queue.underWay == running.count && queue.waiting == tenantOf.count, "seed \(seed)")
            #expect(queue.waiting == 0 || queue.underWay > 0, "seed \(seed)")
        }
        while !running.isEmpty { settle(queue.leave(running.removeLast(), at: now)) }
        #expect(tenantOf.isEmpty && queue.underWay == 0 && queue.waiting == 0)
    }
}
