/// Lets one task at a time through, in order of arrival. Used on one executor only, by the actor that owns it.
final class Gate {
    private var isHeld = false
    private var waiting: [UnsafeContinuation<Void, Never>] = []

    func enter() async {
        guard isHeld else {
            isHeld = true
            return
        }
        await withUnsafeContinuation { waiting.append($0) }
    }

    /// Hands the gate to the next in line.
    func leave() {
        if waiting.isEmpty { isHeld = false } else { waiting.removeFirst().resume() }
    }
}

/// Wakes a background loop. Raising it twice before the loop looks wakes it once.
final class WorkSignal {
    private var isRaised = false
    private var waiter: UnsafeContinuation<Void, Never>?

    func raise() {
        if let waiter {
            self.waiter = nil
            waiter.resume()
        } else {
            isRaised = true
        }
    }

    func wait() async {
        guard !isRaised else {
            isRaised = false
            return
        }
        await withUnsafeContinuation { waiter = $0 }
    }
}
