package import Base

/// What happened to one request: written to the access log now, to audit and metrics as those grow.
///
/// Holds nothing secret by construction: no headers, no query, no signature, no body.
package struct RequestEvent: Sendable {
    package var time: Timestamp
    package var requestID: String
    /// Name of the S3 operation, or "Unknown" when the request was refused before one was found.
    package var api: String
    /// The tenant's name.
    package var tenant: String
    package var bucket: String
    package var object: String
    package var method: String
    package var status: Int
    /// S3 error code; empty for success.
    package var errorCode: String
    /// Body bytes received and sent.
    package var receivedBytes: Int64
    package var sentBytes: Int64
    package var timeToFirstByteNanoseconds: UInt64
    package var durationNanoseconds: UInt64
    package var remoteAddress: String
    package var host: String
    package var userAgent: String
    /// Empty for anonymous requests.
    package var accessKey: String

    package init(
        time: Timestamp, requestID: String, api: String, tenant: String, bucket: String, object: String,
        method: String, status: Int, errorCode: String, receivedBytes: Int64, sentBytes: Int64,
        timeToFirstByteNanoseconds: UInt64, durationNanoseconds: UInt64, remoteAddress: String, host: String,
        userAgent: String, accessKey: String
    ) {
        self.time = time
        self.requestID = requestID
        self.api = api
        self.tenant = tenant
        self.bucket = bucket
        self.object = object
        self.method = method
        self.status = status
        self.errorCode = errorCode
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
        self.timeToFirstByteNanoseconds = timeToFirstByteNanoseconds
        self.durationNanoseconds = durationNanoseconds
        self.remoteAddress = remoteAddress
        self.host = host
        self.userAgent = userAgent
        self.accessKey = accessKey
    }
}

/// Takes the event of each request. Called on the request's loop: it must not block.
package protocol RequestEventSink: Sendable {
    func record(_ event: RequestEvent)
}
