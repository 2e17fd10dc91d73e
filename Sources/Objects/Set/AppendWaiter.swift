import Base
import Drives
import Synchronization

/// Waits for one record that is not a commit of the running epoch: a completion, a statement of a start, a caught-up state.
final class AppendWaiter: AppendListener {
    private enum State {
        case running
        case waiting(CheckedContinuation<Result<Void, DriveError>, Never>)
        case done(Result<Void, DriveError>)
    }
    private let state = Mutex(State.running)

    func appended(_ position: Position, slot: Int, _ result: Result<Void, DriveError>) {
        let waiting = state.withLock { state -> CheckedContinuation<Result<Void, DriveError>, Never>? in
            let before = state
            state = .done(result)
            if case .waiting(let continuation) = before { return continuation }
            return nil
        }
        waiting?.resume(returning: result)
    }

    func wait() async throws(DriveError) {
        let result: Result<Void, DriveError> = await withCheckedContinuation { continuation in
            let done = state.withLock { state -> Result<Void, DriveError>? in
                if case .done(let result) = state { return result }
                state = .waiting(continuation)
                return nil
            }
            if let done { continuation.resume(returning: done) }
        }
        try result.get()
    }
}
