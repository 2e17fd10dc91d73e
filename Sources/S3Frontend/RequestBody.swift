import Base
import Digests
import HTTPServer
import ObjectFormat
import Objects
import Runtime
import S3Protocol

/// The body of one request, before anybody has read it.
struct RequestBody {
    let exchange: HTTPExchange
    let context: RequestContext
    /// The file of a form, whose fields have been read.
    var form: PostBodySource?

    /// The body as a source of object bytes, with everything that the client declared about it. Refuses what can be refused before
    /// the first byte is read, and so before `100 Continue`.
    func source(_ context: RequestContext, sizeMax: Int64) throws(S3Error) -> any UploadSource {
        if let form { return form }
        let count = try byteCount()
        if let count, count > sizeMax { throw .entityTooLarge(proposed: count, limit: sizeMax) }
        return try S3BodySource(exchange, context, byteCount: count, sizeMax: sizeMax)
    }

    /// A small document, whole, its declared digests verified.
    func document(limit: Int) async throws(S3Error) -> [UInt8] {
        if exchange.bodyLength == 0 { return [] }
        let source = try S3BodySource(exchange, context, byteCount: try byteCount(), sizeMax: Int64(limit))
        if let count = source.byteCount, count > Int64(limit) { throw S3Error(.maxMessageLengthExceeded) }
        return try await source.document(limit: limit)
    }

    /// The length of the object that the body carries. Only the chunked transfer coding may leave it open, and S3 refuses that
    /// unless the decoded length is declared.
    private func byteCount() throws(S3Error) -> Int64? {
        if case .chunked(let chunked) = context.payload { return chunked.decodedLength }
        guard let length = exchange.bodyLength, length > 0 || context.head.first("content-length") != nil else {
            throw S3Error(.missingContentLength)
        }
        return length
    }
}
