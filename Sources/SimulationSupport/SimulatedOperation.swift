import Drives
import Glibc

/// A call that is under way: what it does when its time has come, and whom it then resumes.
final class SimulatedOperation {
    let number: Int
    let name: String
    let path: String
    var isHeld = false
    /// Performs the call without resuming anybody: for calls that a power cut or a kill meets on their way.
    let act: () -> Void
    /// Performs the call and resumes its caller.
    let end: () -> Void
    let fail: (DriveIOError) -> Void

    init(
        number: Int, name: String, path: String, act: @escaping () -> Void, end: @escaping () -> Void,
        fail: @escaping (DriveIOError) -> Void
    ) {
        (self.number, self.name, self.path) = (number, name, path)
        (self.act, self.end, self.fail) = (act, end, fail)
    }
}

extension SimulatedDrive {
    /// Begins a call, lets its time pass, performs `body` and returns what it says. `body` gets the fault that strikes the call.
    func perform<Value: Sendable>(
        _ call: SimulatedFault.Call, _ path: String, generation: Int,
        _ body: @escaping (_ number: Int, SimulatedFault.Effect?) -> Result<Value, DriveIOError>
    ) async throws(DriveIOError) -> Value {
        executor.checkIsolated()
        guard generation == self.generation, !isAway else {
            throw .system(call: "\(call)", path: path, errno: EIO)
        }
        operationCount += 1
        let number = operationCount
        let effect = strike(call, path)
        let result = await withUnsafeContinuation {
            (continuation: UnsafeContinuation<Result<Value, DriveIOError>, Never>) in
            let operation = SimulatedOperation(
                number: number, name: "\(call)", path: path,
                act: { _ = body(number, nil) },
                end: { continuation.resume(returning: body(number, effect)) },
                fail: { continuation.resume(returning: .failure($0)) })
            underWay[number] = operation
            switch effect {
            case .cutPower: powerCut()
            case .kill: kill()
            case .stall: operation.isHeld = true
            default: scheduleEnd(of: operation)
            }
        }
        return try result.get()
    }

    /// The operation ends after a time chosen by the seed, unless its path is stalled then or its mount is gone.
    func scheduleEnd(of operation: SimulatedOperation) {
        let number = operation.number
        let span = latency.upperBound - latency.lowerBound
        let time = latency.lowerBound + (span == 0 ? 0 : random.next() % span)
        executor.clock.after(time) { [self] in
            guard let operation = underWay[number] else { return }
            if let stalledPrefix, operation.path.hasPrefix(stalledPrefix) {
                operation.isHeld = true
                return
            }
            underWay[number] = nil
            operation.end()
        }
    }

    /// A call that the end of its mount meets on its way may have done its work, or not. A write always may have reached the
    /// medium in part: it becomes an un-synced change, of which a power cut then keeps what it likes.
    func applyPartly(_ operation: SimulatedOperation) {
        if operation.name == "write" || random.chance(0.5) { operation.act() }
    }

    private func strike(_ call: SimulatedFault.Call, _ path: String) -> SimulatedFault.Effect? {
        var effect: SimulatedFault.Effect?
        for index in faults.indices {
            if let struck = faults[index].strike(call, path), effect == nil { effect = struck }
        }
        faults.removeAll { $0.times == 0 }
        return effect
    }
}
