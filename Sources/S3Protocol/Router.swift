package import Base

/// A request whose operation, bucket and key are known.
package struct S3Request: Sendable {
    package var operation: S3Operation
    package var address: ResourceAddress
    package var target: RequestTarget

    package init(operation: S3Operation, address: ResourceAddress, target: RequestTarget) {
        self.operation = operation
        self.address = address
        self.target = target
    }
}

/// Finds the operation of a request: by scope (service, bucket, object), method and sub-resource, in one table.
///
/// A sub-resource is a query parameter such as `acl`. Unknown parameters are ignored, as AWS does. A sub-resource that
/// this method or scope does not have is MethodNotAllowed, never the plain operation: `DELETE /bucket/key?policy` must
/// not delete the key. Two different sub-resources in one request are InvalidArgument.
package struct Router: Sendable {
    private let addressing: Addressing

    package init(addressing: Addressing = Addressing()) { self.addressing = addressing }

    package func route(_ head: RequestHead) throws(S3Error) -> S3Request {
        try route(head, target: RequestTarget(head))
    }

    package func route(
        _ head: RequestHead, target: RequestTarget, style: Addressing.HostStyle = .unknown
    ) throws(S3Error) -> S3Request {
        let address = try addressing.resolve(host: head.value("host"), path: target.path, style: style)
        let operation = try operation(head, target, address)
        if let bucket = address.bucket, operation != .writeGetObjectResponse, !BucketName.isPossible(bucket) {
            throw BucketName.invalid(bucket)
        }
        return S3Request(operation: operation, address: address, target: target)
    }

    private func operation(
        _ head: RequestHead, _ target: RequestTarget, _ address: ResourceAddress
    ) throws(S3Error) -> S3Operation {
        guard let method = Route.Method(head) else {
            throw .methodNotAllowed(method: head.string(head.method), resourceType: "UNKNOWN")
        }
        if method == .options { return .preflight }
        let scope: Route.Scope = address.key != nil ? .object : address.bucket != nil ? .bucket : .service
        if scope == .bucket, method == .post, address.bucket == "WriteGetObjectResponse",
            head.first("x-amz-request-route") != nil
        {
            return .writeGetObjectResponse
        }
        let subresource = try subresource(target)
        for route in Route.table
        where route.scope == scope && route.method == method && route.subresource == subresource {
            if route.condition.holds(head, target) { return route.operation }
        }
        throw refusal(head, scope, method, subresource)
    }

    /// The index of the sub-resource in `Route.subresources`; nil when the request has none.
    private func subresource(_ target: RequestTarget) throws(S3Error) -> Int? {
        var found: Int?
        for parameter in target.parameters {
            for index in Route.subresources.indices
            where target.matches(parameter, Route.subresources[index], foldingCase: false) {
                if let found, found != index {
                    let names = [Route.subresources[found].description, Route.subresources[index].description]
                    throw .invalidArgument(
                        "Conflicting query string parameters: \(names.joined(separator: ", "))",
                        name: "ResourceType", value: names[0])
                }
                found = index
            }
        }
        return found
    }

    private func refusal(
        _ head: RequestHead, _ scope: Route.Scope, _ method: Route.Method, _ subresource: Int?
    ) -> S3Error {
        if scope == .bucket, method == .post, subresource == nil {
            return .preconditionFailed("Bucket POST must be of the enclosure-type multipart/form-data")
        }
        if scope == .object, method == .put, let subresource,
            Route.subresources[subresource].description == "uploadId"
        {
            return .invalidArgument(
                "This operation requires both partNumber and uploadId", name: "partNumber", value: "")
        }
        let type = subresource.map { Route.subresources[$0].description.uppercased() } ?? scope.resourceType
        return .methodNotAllowed(method: head.string(head.method), resourceType: type)
    }
}
