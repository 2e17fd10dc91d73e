import Base
import ObjectFormat
import Objects
import S3Protocol

/// What browsers are told about requests from pages of other origins.
extension Operations {
    /// OPTIONS: answered without a signature, because a browser sends it without one.
    func preflight(_ head: RequestHead, _ address: ResourceAddress, tenant: TenantID) throws(S3Error) -> Answer {
        guard let origin = head.value("origin"), !origin.isEmpty else {
            throw S3Error(.badRequest, "Insufficient information. Origin request header needed.")
        }
        let asked = head.value("access-control-request-method"), method = asked ?? "OPTIONS"
        func refused(_ why: String) -> S3Error {
            S3Error(.accessForbidden, "CORSResponse: " + why).with("Method", method)
                .with("ResourceType", address.key == nil ? "BUCKET" : "OBJECT")
        }
        guard let name = address.bucket, let bucket = try? store.bucket(name, tenant: tenant) else {
            throw refused("Bucket not found")
        }
        guard let rules = try parsed.value(.cors, of: bucket, CORSConfiguration.init(parsing:)) else {
            throw refused("CORS is not enabled for this bucket.")
        }
        guard let asked, ["GET", "PUT", "POST", "DELETE", "HEAD"].contains(asked) else {
            throw S3Error(.badRequest, "Invalid Access-Control-Request-Method: \(asked ?? "null")")
        }
        let headers = CORSConfiguration.headerNames(head.value("access-control-request-headers") ?? "")
        guard let grant = rules.grant(origin: origin, method: method, requestedHeaders: headers) else {
            throw refused(
                "This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
                    + "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the "
                    + "resource's CORS spec.")
        }
        var answer = Answer(200)
        for field in grant.fields { answer.set(field.name, field.value) }
        return answer
    }

    /// The fields for the answer of an actual request, whatever the answer is; none when no rule allows it.
    func corsFields(_ head: RequestHead, bucket name: String, tenant: TenantID) -> [Answer.Field] {
        guard let origin = head.value("origin"), !origin.isEmpty,
            let bucket = try? store.bucket(name, tenant: tenant),  // The operation itself tells of a missing bucket.
            let rules = try? parsed.value(.cors, of: bucket, CORSConfiguration.init(parsing:)),
            let grant = rules.grant(origin: origin, method: head.string(head.method))
        else { return [] }
        return grant.fields.map { Answer.Field(name: $0.name, value: $0.value) }
    }
}
