/// Writers' locks by name, first come, first served. A value: the set performs the hand-overs that it returns.
struct KeyLocks {
    private struct Held {
        var token: UInt64
        var queue: [UInt64] = []
        var head = 0
        var next: UInt64? {
            mutating get {
                guard head < queue.count else { return nil }
                head += 1
                return queue[head - 1]
            }
        }
    }
    private struct Request {
        var names: [LockName]
        /// How many of `names` it has.
        var taken: Int
    }

    private var held: [LockName: Held] = [:]
    private var requests: [UInt64: Request] = [:]
    private var lastToken: UInt64 = 0
    let waitersMax: Int

    init(waitersMax: Int) { self.waitersMax = waitersMax }

    var waiting: Int { requests.count }

    enum Outcome { case taken(KeyLock), queued(UInt64), refused }

    /// Names are taken in order, so that two requests can't hold what the other waits for.
    mutating func request(_ names: [LockName]) -> Outcome {
        var sorted: [LockName] = []
        for name in names.sorted() where sorted.last != name { sorted.append(name) }
        guard requests.count < waitersMax else { return .refused }
        lastToken += 1
        let token = lastToken
        var request = Request(names: sorted, taken: 0)
        if advance(token, &request) { return .taken(KeyLock(names: sorted, token: token)) }
        requests[token] = request
        return .queued(token)
    }

    /// Gives the lock back; returns the requests that have all their names now, in order.
    mutating func release(_ lock: KeyLock) -> [KeyLock] {
        var ready: [KeyLock] = []
        for name in lock.names where held[name]?.token == lock.token { pass(name, &ready) }
        return ready
    }

    /// Takes a waiting request out: it gets nothing, and gives back what it has. Returns who is served by that.
    mutating func withdraw(_ token: UInt64) -> [KeyLock] {
        guard let request = requests.removeValue(forKey: token) else { return [] }
        var ready: [KeyLock] = []
        for name in request.names.prefix(request.taken) { pass(name, &ready) }
        return ready
    }

    /// All requests that wait, oldest first.
    var waitingTokens: [UInt64] { requests.keys.sorted() }

    private mutating func pass(_ name: LockName, _ ready: inout [KeyLock]) {
        guard var entry = held.removeValue(forKey: name) else { return }
        while let token = entry.next {
            guard var request = requests.removeValue(forKey: token) else { continue }
            entry.token = token
            held[name] = entry
            request.taken += 1
            if advance(token, &request) {
                ready.append(KeyLock(names: request.names, token: token))
            } else {
                requests[token] = request
            }
            return
        }
    }

    /// Takes names until one is held by another; true when it has all.
    private mutating func advance(_ token: UInt64, _ request: inout Request) -> Bool {
        while request.taken < request.names.count {
            let name = request.names[request.taken]
            if held[name] != nil {
                held[name]?.queue.append(token)
                return false
            }
            held[name] = Held(token: token)
            request.taken += 1
        }
        return true
    }
}
