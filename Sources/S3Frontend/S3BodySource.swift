import Base
import Digests
import HTTPServer
import Objects
import Runtime
import S3Protocol

/// Bytes of an object out of a request: unframed when they come in signed or unsigned chunks, and compared at the end with every
/// digest that the client declared.
final class S3BodySource: BodySource {
    let byteCount: Int64?
    private let exchange: HTTPExchange
    private let pass: TrafficPass?
    private let declared: DeclaredDigests
    private let sizeMax: Int64
    private var received: Int64 = 0
    private var decoder: AWSChunkedDecoder?
    /// The end of framed bytes that could not be used yet lies in the decoder; received bytes are unframed where they are.
    private var isAtEnd = false

    init(_ exchange: HTTPExchange, _ context: RequestContext, byteCount: Int64?, sizeMax: Int64) throws(S3Error) {
        self.exchange = exchange
        pass = context.pass
        self.byteCount = byteCount
        self.sizeMax = sizeMax
        declared = try DeclaredDigests(context)
        if case .chunked(let payload) = context.payload { decoder = AWSChunkedDecoder(payload) }
    }

    var checksumAlgorithm: ChecksumAlgorithm? { declared.algorithm }
    var wantsSHA256: Bool { declared.wantsSHA256 }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int {
        do throws(S3Error) {
            let count = try await readUnframed(into: buffer)
            received += Int64(count)
            if received > sizeMax { throw .entityTooLarge(proposed: received, limit: sizeMax) }
            return count
        } catch { throw BodyError(error) }
    }

    func finish(_ digests: ComputedDigests) async throws(BodyError) {
        do throws(S3Error) {
            try await readToEnd()
            try declared.verify(digests, trailers: decoder?.trailers ?? [])
        } catch { throw BodyError(error) }
    }

    /// A whole small body.
    func document(limit: Int) async throws(S3Error) -> [UInt8] {
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try await readUnframed(into: buffer)
            if count == 0 { break }
            guard bytes.count + count <= limit else { throw S3Error(.maxMessageLengthExceeded) }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        try declared.verify(document: bytes, trailers: decoder?.trailers ?? [])
        return bytes
    }

    private func readUnframed(into buffer: UnsafeMutableRawBufferPointer) async throws(S3Error) -> Int {
        guard decoder != nil else { return try await receive(into: buffer) }
        while !isAtEnd {
            let count = try await receive(into: buffer)
            guard count > 0 else {
                try decoder?.finish()
                isAtEnd = true
                return 0
            }
            let kept = try decoder?.compact(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])) ?? 0
            if kept > 0 { return kept }
        }
        return 0
    }

    /// The object layer stops reading when it has as many bytes as were declared; the last chunk and the trailer follow them.
    private func readToEnd() async throws(S3Error) {
        guard decoder != nil, !isAtEnd else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
        defer { buffer.deallocate() }
        guard try await readUnframed(into: buffer) == 0 else {
            throw S3Error(.invalidRequest, "The body holds more than x-amz-decoded-content-length says.")
        }
    }

    private func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(S3Error) -> Int {
        do throws(RequestBodyError) {
            if let pass { return try await pass.receive(into: buffer, from: exchange) }
            return try await exchange.readBody(into: buffer)
        } catch {
            switch error {
            case .timedOut: throw S3Error(.requestTimeout)
            case .truncated, .connection: throw S3Error(.incompleteBody)
            case .malformed: throw S3Error(.invalidRequest, "The chunked transfer coding of the body is malformed.")
            }
        }
    }
}
