package import Base

/// The Range field of a GET or HEAD, and x-amz-copy-source-range.
package enum RangeHeader {
    /// The range to answer with; nil for the whole object. A range that is not understood, and several ranges at once,
    /// are ignored, as S3 does; one that holds no byte of the object is InvalidRange.
    package static func resolve(_ text: String?, size: Int64) throws(S3Error) -> ByteRange? {
        guard let text, let spec = parse(text) else { return nil }
        switch spec {
        case .from(let first, let last):
            guard first < size else { throw .invalidRange(requested: text, size: size) }
            return ByteRange(offset: first, count: min(last, size - 1) - first + 1)
        case .suffix(let count):
            guard count > 0, size > 0 else { throw .invalidRange(requested: text, size: size) }
            let count = min(count, size)
            return ByteRange(offset: size - count, count: count)
        }
    }

    /// `bytes=first-last`, both given: a copy does not guess. Whether the source has them is asked when it is open.
    package static func parseCopySource(_ text: String) throws(S3Error) -> ByteRange {
        guard case .from(let first, let last)? = parse(text), !text.hasSuffix("-") else {
            throw .invalidArgument(
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
                    + "zero-based offsets of the first and last bytes to copy",
                name: copySourceField, value: text)
        }
        // The biggest number would overflow the count; no object has that byte either.
        return ByteRange(offset: first, count: min(last, .max - 1) - first + 1)
    }

    /// What a copy answers to a range that goes beyond its source.
    package static func beyondCopySource(_ text: String, size: Int64) -> S3Error {
        if case .from(let first, _)? = parse(text), first >= size {
            return S3Error(.invalidRequest, "The specified copy range is invalid for the source object size")
        }
        return .invalidArgument(
            "Range specified is not valid for source object of size: \(size)", name: copySourceField, value: text)
    }

    private static let copySourceField = "x-amz-copy-source-range"

    package enum Spec: Sendable {
        case from(Int64, last: Int64)
        case suffix(Int64)
    }

    package static func parse(_ text: String) -> Spec? {
        let bytes = Array(text.utf8)
        guard bytes.count > 6, String(decoding: bytes[..<6], as: UTF8.self).lowercased() == "bytes=",
            let dash = bytes.firstIndex(of: UInt8(ascii: "-"))
        else { return nil }
        let first = bytes[6..<dash], last = bytes[(dash + 1)...]
        if first.isEmpty { return last.isEmpty ? nil : number(last).map { .suffix($0) } }
        guard let start = number(first) else { return nil }
        if last.isEmpty { return .from(start, last: .max) }
        guard let end = number(last), end >= start else { return nil }
        return .from(start, last: end)
    }

    /// Digits only. A number too big to hold is as good as the biggest: every object ends before it.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        var value: Int64 = 0
        for digit in digits {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(digit - 0x30))
            if overflow || carry { return .max }
            value = sum
        }
        return value
    }
}
