import Base
import Objects
import S3Protocol

/// Conditional headers, read by S3Protocol and told to the object layer in its own terms.
enum Conditions {
    static func ofRead(_ context: RequestContext) -> Objects.ReadConditions {
        convert(S3Protocol.ReadConditions(context.head))
    }

    static func ofCopySource(_ context: RequestContext) -> Objects.ReadConditions {
        convert(S3Protocol.ReadConditions(copySource: context.head))
    }

    static func ofRenameSource(_ context: RequestContext) -> Objects.ReadConditions {
        convert(S3Protocol.ReadConditions(renameSource: context.head))
    }

    private static func convert(_ parsed: S3Protocol.ReadConditions) -> Objects.ReadConditions {
        var conditions = Objects.ReadConditions()
        conditions.ifMatch = parsed.ifMatch.map(strong)
        conditions.ifNoneMatch = parsed.ifNoneMatch.map(convert)
        conditions.ifModifiedSince = parsed.ifModifiedSince
        conditions.ifUnmodifiedSince = parsed.ifUnmodifiedSince
        return conditions
    }

    static func ofWrite(_ context: RequestContext) throws(S3Error) -> Objects.WriteConditions {
        let parsed = try S3Protocol.WriteConditions(context.head)
        return Objects.WriteConditions(
            ifMatch: parsed.ifMatch.map(strong), ifNoneMatch: parsed.ifNoneMatchAny ? .any : nil)
    }

    static func ofDelete(_ context: RequestContext) throws(S3Error) -> Objects.DeleteConditions {
        convert(try S3Protocol.DeleteConditions(context.head))
    }

    static func convert(_ parsed: S3Protocol.DeleteConditions) -> Objects.DeleteConditions {
        var conditions = Objects.DeleteConditions()
        conditions.ifMatch = parsed.ifMatch.map(strong)
        conditions.ifMatchSize = parsed.size
        conditions.ifMatchLastModified = parsed.lastModified
        return conditions
    }

    /// If-Match compares strongly: a weak tag names no object (RFC 9110, 8.8.3.2).
    private static func strong(_ list: ETagList) -> ETagCondition {
        switch list {
        case .any: .any
        case .tags(let tags): .tags(tags.filter { !$0.isWeak }.map(\.value))
        }
    }

    static func convert(_ list: ETagList) -> ETagCondition {
        switch list {
        case .any: .any
        case .tags(let tags): .tags(tags.map(\.value))
        }
    }
}
