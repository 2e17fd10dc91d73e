import Base

/// The canonical request of signature version 4, built from what came over the wire.
///
/// S3's rules: the path is encoded once, from its decoded form, and neither dots nor double slashes are touched; the
/// query is sorted by encoded name, then encoded value; the fields of one name are joined by commas, each with runs of
/// white space folded to one space.
package struct CanonicalRequest: Sendable {
    package private(set) var bytes: [UInt8] = []

    init(
        _ head: RequestHead, _ target: RequestTarget, signedHeaders: [UInt8], payload: PayloadDeclaration,
        omitting omitted: StaticString?
    ) {
        bytes.reserveCapacity(head.bytes.count + 512)
        bytes.append(contentsOf: head.bytes[head.method.range])
        newline()
        PercentEncoding.append(target.path, to: &bytes, keepingSlash: true)
        newline()
        appendQuery(target, omitting: omitted)
        newline()
        for name in signedHeaders.split(separator: UInt8(ascii: ";")) { appendHeader(head, name) }
        newline()
        bytes.append(contentsOf: signedHeaders)
        newline()
        bytes.append(contentsOf: payload.text.utf8)
    }

    private mutating func newline() { bytes.append(UInt8(ascii: "\n")) }

    private mutating func appendQuery(_ target: RequestTarget, omitting omitted: StaticString?) {
        guard !target.parameters.isEmpty else { return }
        // Encoded names and values lie one after another in `scratch`; the ranges are what is sorted.
        var scratch: [UInt8] = []
        scratch.reserveCapacity(target.decoded.count + 256)
        var pieces: [(name: Range<Int>, value: Range<Int>)] = []
        pieces.reserveCapacity(target.parameters.count)
        for parameter in target.parameters {
            if let omitted, target.matches(parameter, omitted, foldingCase: true) { continue }
            let start = scratch.count
            PercentEncoding.append(target.name(of: parameter), to: &scratch)
            let middle = scratch.count
            PercentEncoding.append(target.value(of: parameter), to: &scratch)
            pieces.append((start..<middle, middle..<scratch.count))
        }
        scratch.withUnsafeBufferPointer { scratch in
            pieces.sort { lhs, rhs in
                let order = Self.compare(scratch[lhs.name], scratch[rhs.name])
                return order == 0 ? Self.compare(scratch[lhs.value], scratch[rhs.value]) < 0 : order < 0
            }
            for (index, piece) in pieces.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: "&")) }
                bytes.append(contentsOf: scratch[piece.name])
                bytes.append(UInt8(ascii: "="))
                bytes.append(contentsOf: scratch[piece.value])
            }
        }
    }

    private static func compare(_ lhs: Slice<UnsafeBufferPointer<UInt8>>, _ rhs: Slice<UnsafeBufferPointer<UInt8>>)
        -> Int
    {
        var left = lhs.startIndex, right = rhs.startIndex
        while left < lhs.endIndex && right < rhs.endIndex {
            if lhs.base[left] != rhs.base[right] { return lhs.base[left] < rhs.base[right] ? -1 : 1 }
            left += 1
            right += 1
        }
        return lhs.count - rhs.count
    }

    private mutating func appendHeader(_ head: RequestHead, _ name: ArraySlice<UInt8>) {
        bytes.append(contentsOf: name)
        bytes.append(UInt8(ascii: ":"))
        var isFirst = true
        for field in head.fields where head.equals(field.name, name) {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            appendFolded(head, field.value.range)
        }
        // Proxies answer Expect themselves and do not pass it on; clients that sign it all send the same.
        if isFirst, name.elementsEqual("expect".utf8) { bytes.append("100-continue") }
        newline()
    }

    /// Appends a value with runs of white space as one space.
    private mutating func appendFolded(_ head: RequestHead, _ range: Range<Int>) {
        var start = range.lowerBound
        var index = start
        while index < range.upperBound {
            let byte = head.bytes[index]
            let isSpace = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
            guard isSpace, byte == UInt8(ascii: "\t") || (index > start && head.bytes[index - 1] == UInt8(ascii: " "))
            else {
                index += 1
                continue
            }
            // A tab, or the second space of a run: what came before is copied, and the rest of the run skipped.
            bytes.append(contentsOf: head.bytes[start..<index])
            if bytes.last != UInt8(ascii: " ") { bytes.append(UInt8(ascii: " ")) }
            while index < range.upperBound,
                head.bytes[index] == UInt8(ascii: " ") || head.bytes[index] == UInt8(ascii: "\t")
            {
                index += 1
            }
            start = index
        }
        bytes.append(contentsOf: head.bytes[start..<range.upperBound])
    }
}

extension RequestHead {
    /// True when the slice's bytes equal `name`, ASCII case ignored on the slice's side only: `name` is in lower case
    /// if it is to match.
    func equals(_ slice: Slice, _ name: ArraySlice<UInt8>) -> Bool {
        guard Int(slice.count) == name.count else { return false }
        var index = Int(slice.start)
        for byte in name {
            var own = bytes[index]
            if own >= 0x41 && own <= 0x5A { own |= 0x20 }
            if own != byte { return false }
            index += 1
        }
        return true
    }

    func lowercased(_ slice: Slice) -> String { string(slice).lowercased() }
}
