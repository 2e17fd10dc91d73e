import Base
import ObjectFormat
import Objects
import S3Protocol

/// The response fields that tell of an object: shared by GET and HEAD.
extension Answer {
    mutating func setFields(of head: HeadResult, _ context: RequestContext) {
        let object = head.object
        set("ETag", "\"\(object.etag)\"")
        set("Last-Modified", HTTPDate.format(object.lastModified))
        set("Accept-Ranges", "bytes")
        setContentHeaders(object.attributes.headers, context)
        for entry in object.attributes.metadata { set("x-amz-meta-" + entry.name, entry.value) }
        if object.attributes.storageClass != .standard {
            set("x-amz-storage-class", object.attributes.storageClass.s3Name)
        }
        if !object.attributes.tags.isEmpty { set("x-amz-tagging-count", String(object.attributes.tags.count)) }
        setLock(object.lock)
        setChecksum(of: head, context)
    }

    /// Stored headers, replaced by the `response-…` parameters of the query. Those are for signed requests only; anonymous ones
    /// do not get here.
    private mutating func setContentHeaders(_ headers: ContentHeaders, _ context: RequestContext) {
        let target = context.target
        set("Content-Type", target.string("response-content-type") ?? headers.contentType ?? "binary/octet-stream")
        set("Content-Encoding", target.string("response-content-encoding") ?? headers.contentEncoding)
        set("Content-Disposition", target.string("response-content-disposition") ?? headers.contentDisposition)
        set("Content-Language", target.string("response-content-language") ?? headers.contentLanguage)
        set("Cache-Control", target.string("response-cache-control") ?? headers.cacheControl)
        set("x-amz-website-redirect-location", headers.websiteRedirect)
        set("Expires", target.string("response-expires") ?? headers.expires)
    }

    /// Shown when asked for, and never with a range of less than all: the checksum would not be that of the bytes sent.
    private mutating func setChecksum(of head: HeadResult, _ context: RequestContext) {
        guard context.header("x-amz-checksum-mode")?.lowercased() == "enabled" else { return }
        if context.target.contains("partNumber"), let part = head.partChecksum {
            set(part.algorithm.headerName, part.text)
            set("x-amz-checksum-type", head.object.checksum?.type.s3Name)
            return
        }
        let isWhole = !head.isPartial || head.range?.count == head.object.size
        guard isWhole || context.target.contains("partNumber"), let checksum = head.object.checksum else { return }
        set(checksum.algorithm.headerName, checksum.text)
        set("x-amz-checksum-type", checksum.type.s3Name)
    }

    mutating func setRange(of head: HeadResult, _ context: RequestContext) {
        guard head.isPartial else { return }
        if let range = head.range {
            set("Content-Range", "bytes \(range.offset)-\(range.end - 1)/\(head.object.size)")
        }
    }
}
