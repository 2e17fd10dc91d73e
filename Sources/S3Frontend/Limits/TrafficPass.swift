import Base
import HTTPServer
import Runtime
import S3Protocol

/// Whose limits a request is under.
struct TrafficClaim: Sendable {
    var tenant: TenantID
    var tenantName: String
    var user: String
    var bucket: String
}

/// A request that was let in. It is under way while the server works for it: not while it waits for its client, in either
/// direction, or pauses for a limit; then others run in its place, and it has to be let in again.
struct TrafficPass: Sendable {
    let control: TrafficControl
    let gate: AdmissionGate
    let index: Int
    let loop: Loop
    let claim: TrafficClaim

    func leave() { gate.leave(index, at: loop.now) }
    func reenter() async { await gate.reenter(index, at: loop.now) }

    /// Receives bytes of the body at the pace that the limits allow.
    func receive(
        into buffer: UnsafeMutableRawBufferPointer, from exchange: HTTPExchange
    ) async throws(RequestBodyError) -> Int {
        let piece = control.piece(buffer.count, .received, claim)
        leave()
        let count: Int
        do throws(RequestBodyError) {
            count = try await exchange.readBody(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<piece]))
        } catch {
            await reenter()
            throw error
        }
        let wait = control.charge(count, .received, claim)
        if wait > 0 { await control.pause(wait, on: loop) }
        await reenter()
        return count
    }

    /// Sends bytes of an answer's body at that pace. Outside: the caller has left.
    func send(_ bytes: UnsafeRawBufferPointer, to exchange: HTTPExchange) async throws(ResponseError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = control.piece(rest.count, .sent, claim)
            let wait = control.charge(count, .sent, claim)
            if wait > 0 { await control.pause(wait, on: loop) }
            try await exchange.write(UnsafeRawBufferPointer(rebasing: rest[..<count]))
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Before a body that is sent in one go.
    func paceAnswer(of count: Int) async {
        let wait = control.charge(count, .sent, claim)
        if wait > 0 { await control.pause(wait, on: loop) }
    }
}
