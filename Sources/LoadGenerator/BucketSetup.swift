package import Base
import HTTPClient
package import Runtime
import Synchronization

/// Makes the bucket of a plan when it is not there.
package enum BucketSetup {
    /// nil, or why it could not be made.
    package static func run(_ plan: LoadPlan, time: any TimeSource, on loop: Loop) async -> String? {
        let requests = PresignedRequests(plan.credentials, host: "\(plan.host):\(plan.port)", at: time.now())
        let outcome = Outcome()
        loop.spawn {
            var bytes: [UInt8] = []
            requests.write(method: "PUT", path: "/\(plan.bucket)", bodyCount: 0, to: &bytes)
            let head = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            defer { head.deallocate() }
            head.copyBytes(from: bytes)
            do throws(ClientError) {
                let connection = try ClientConnection(host: plan.host, port: plan.port, tls: plan.tls, on: loop)
                let answer = try await connection.exchange(
                    UnsafeRawBufferPointer(head), pattern: UnsafeRawBufferPointer(start: nil, count: 0), bodyCount: 0,
                    hasNoAnswerBody: false, keepsBody: true)
                connection.close()
                // 409 is the answer for a bucket that is there.
                if !answer.isOK, answer.status != 409 {
                    outcome.set("status \(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
                }
            } catch { outcome.set("\(error)") }
        }
        await loop.drain()
        return outcome.text
    }

    private final class Outcome: Sendable {
        private let state = Mutex<String?>(nil)
        func set(_ text: String) { state.withLock { $0 = text } }
        var text: String? { state.withLock { $0 } }
    }
}
