import Base
import Digests
import HTTPServer
import Objects
import S3Protocol

/// A source of object bytes with what the client declared of them.
protocol UploadSource: BodySource {
    var checksumAlgorithm: ChecksumAlgorithm? { get }
    var wantsSHA256: Bool { get }
}

extension S3BodySource: UploadSource {}

/// The file of an upload form, as it arrives: its length shows only at its end.
final class PostBodySource: UploadSource {
    let byteCount: Int64? = nil
    let wantsSHA256 = false
    private let exchange: HTTPExchange
    private let pass: TrafficPass?
    private let declared: DeclaredDigests
    private let lengths: ClosedRange<Int64>
    private var parser: FormDataParser
    private var received: Int64 = 0

    init(
        _ exchange: HTTPExchange, _ context: RequestContext, _ parser: FormDataParser, lengths: ClosedRange<Int64>
    ) throws(S3Error) {
        self.exchange = exchange
        pass = context.pass
        self.parser = parser
        self.lengths = lengths
        declared = try DeclaredDigests(context)
    }

    var checksumAlgorithm: ChecksumAlgorithm? { declared.algorithm }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int {
        do throws(S3Error) { return try await take(into: buffer) } catch { throw BodyError(error) }
    }

    private func take(into buffer: UnsafeMutableRawBufferPointer) async throws(S3Error) -> Int {
        while true {
            let count = parser.takeFile(into: buffer)
            if count > 0 {
                received += Int64(count)
                guard received <= lengths.upperBound else {
                    throw .entityTooLarge(proposed: received, limit: lengths.upperBound)
                }
                return count
            }
            if parser.isFileComplete { return 0 }
            guard try await Self.feed(&parser, from: exchange, pass) else { throw S3Error(.malformedPOSTRequest) }
        }
    }

    func finish(_ digests: ComputedDigests) async throws(BodyError) {
        do throws(S3Error) {
            guard received >= lengths.lowerBound else {
                throw S3Error(.entityTooSmall).with("ProposedSize", String(received))
                    .with("MinSizeAllowed", String(lengths.lowerBound))
            }
            try declared.verify(digests, trailers: [])
        } catch { throw BodyError(error) }
    }

    /// False at the end of the body.
    static func feed(
        _ parser: inout FormDataParser, from exchange: HTTPExchange, _ pass: TrafficPass?
    ) async throws(S3Error) -> Bool {
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { scratch.deallocate() }
        let count: Int
        do throws(RequestBodyError) {
            if let pass {
                count = try await pass.receive(into: scratch, from: exchange)
            } else {
                count = try await exchange.readBody(into: scratch)
            }
        } catch {
            switch error {
            case .timedOut: throw S3Error(.requestTimeout)
            case .truncated, .connection: throw S3Error(.incompleteBody)
            case .malformed: throw S3Error(.malformedPOSTRequest)
            }
        }
        guard count > 0 else { return false }
        try parser.feed(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
        return true
    }
}
