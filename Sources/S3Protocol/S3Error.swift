/// A refusal, as an S3 client sees it: the code it switches on, the HTTP status, a sentence, and the elements that AWS
/// adds for that code. Everything in the protocol layer throws this and nothing else.
package struct S3Error: Error, Hashable, Sendable {
    package var code: Code
    package var message: String
    /// Elements of the error document between Message and RequestId, in order.
    package var details: [Detail]

    package init(_ code: Code, _ message: String? = nil, details: [Detail] = []) {
        self.code = code
        self.message = message ?? code.message
        self.details = details
    }

    package var status: Int { code.status }

    /// One element of the error document: `<name>value</name>`. The name is the program's own, the value may be the
    /// client's.
    package struct Detail: Hashable, Sendable {
        package var name: String
        package var value: String
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package func with(_ name: String, _ value: String) -> S3Error {
        var copy = self
        copy.details.append(Detail(name, value))
        return copy
    }

    /// The value of the first detail of that name.
    package func detail(_ name: String) -> String? { details.first { $0.name == name }?.value }
}

// MARK: - The forms that carry details

extension S3Error {
    package static func invalidArgument(_ message: String, name: String, value: String) -> S3Error {
        S3Error(
            .invalidArgument, message, details: [Detail("ArgumentName", name), Detail("ArgumentValue", value)])
    }

    package static func noSuchKey(_ key: [UInt8]) -> S3Error {
        S3Error(.noSuchKey, details: [Detail("Key", String(decoding: key, as: UTF8.self))])
    }

    package static func noSuchVersion(key: [UInt8], version: String) -> S3Error {
        S3Error(
            .noSuchVersion,
            details: [Detail("Key", String(decoding: key, as: UTF8.self)), Detail("VersionId", version)])
    }

    package static func noSuchBucket(_ name: String) -> S3Error {
        S3Error(.noSuchBucket, details: [Detail("BucketName", name)])
    }

    package static func noSuchUpload(_ id: String) -> S3Error {
        S3Error(.noSuchUpload, details: [Detail("UploadId", id)])
    }

    package static func preconditionFailed(_ condition: String) -> S3Error {
        S3Error(.preconditionFailed, details: [Detail("Condition", condition)])
    }

    package static func methodNotAllowed(method: String, resourceType: String) -> S3Error {
        S3Error(.methodNotAllowed, details: [Detail("Method", method), Detail("ResourceType", resourceType)])
    }

    /// AWS names the header that asked for what is not there.
    package static func notImplemented(header: String) -> S3Error {
        S3Error(.notImplemented, details: [Detail("Header", header)])
    }

    package static func invalidRange(requested: String, size: Int64) -> S3Error {
        S3Error(
            .invalidRange, details: [Detail("RangeRequested", requested), Detail("ActualObjectSize", String(size))])
    }

    package static func entityTooLarge(proposed: Int64, limit: Int64) -> S3Error {
        S3Error(
            .entityTooLarge,
            details: [Detail("ProposedSize", String(proposed)), Detail("MaxSizeAllowed", String(limit))])
    }
}

// MARK: - The document

extension S3Error {
    /// The XML error document. `resource` is the path of the request as the client wrote it. An answer to HEAD has no
    /// body: the caller sends the status alone.
    package func document(resource: String?, requestID: String, hostID: String) -> [UInt8] {
        var writer = XMLWriter(capacity: 512, impossible: .replacement)
        writer.declaration()
        writer.open("Error")
        writer.element("Code", code.name)
        writer.element("Message", message)
        for detail in details { writer.element(named: detail.name, detail.value) }
        if let resource, self.detail("Resource") == nil { writer.element("Resource", resource) }
        writer.element("RequestId", requestID)
        writer.element("HostId", hostID)
        writer.close("Error")
        return writer.bytes
    }
}
