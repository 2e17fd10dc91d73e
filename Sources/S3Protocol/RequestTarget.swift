package import Base

/// A request target taken apart: the path, decoded once, and the query parameters in the order sent, duplicates kept.
///
/// All decoded bytes lie in one array. A plus sign is a plus sign in the path and a space in the query, as S3 reads
/// them. What cannot be decoded, or is not UTF-8 afterwards, is InvalidURI.
package struct RequestTarget: Sendable {
    package struct Parameter: Sendable {
        /// Where name and value lie in the target's decoded bytes.
        let name: Range<Int>
        let value: Range<Int>
    }

    private(set) var decoded: [UInt8] = []
    private let pathEnd: Int
    package private(set) var parameters: [Parameter] = []

    /// More than S3 itself ever takes; a bound on the work that an unsigned request can cause.
    static let parametersMax = 256

    package init(_ head: RequestHead) throws(S3Error) {
        try self.init(bytes: head.bytes, range: head.target.range)
    }

    package init(_ target: String) throws(S3Error) {
        let bytes = Array(target.utf8)
        try self.init(bytes: bytes, range: 0..<bytes.count)
    }

    package init(bytes: [UInt8], range: Range<Int>) throws(S3Error) {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(range.count)
        var parameters: [Parameter] = []
        let pathEnd = bytes.withUnsafeBufferPointer { bytes -> Int? in
            var raw = UnsafeBufferPointer(rebasing: bytes[range])
            Self.dropAuthority(&raw)
            guard raw.first == UInt8(ascii: "/") else { return nil }
            let question = raw.firstIndex(of: UInt8(ascii: "?"))
            guard
                PercentEncoding.appendDecoded(
                    UnsafeBufferPointer(rebasing: raw[..<(question ?? raw.count)]), to: &decoded, plusIsSpace: false)
            else { return nil }
            let pathEnd = decoded.count
            guard let question else { return pathEnd }
            let query = UnsafeBufferPointer(rebasing: raw[(question + 1)...])
            return Self.parse(query: query, into: &decoded, &parameters) ? pathEnd : nil
        }
        guard let pathEnd, isValidUTF8(decoded[...]) else { throw S3Error(.invalidURI) }
        // The bytes as a whole can be UTF-8 where a piece is not: a character cut by a parameter's border.
        if !decoded.allSatisfy({ $0 < 0x80 }) {
            guard isValidUTF8(decoded[..<pathEnd]) else { throw S3Error(.invalidURI) }
            for parameter in parameters {
                guard isValidUTF8(decoded[parameter.name]), isValidUTF8(decoded[parameter.value]) else {
                    throw S3Error(.invalidURI)
                }
            }
        }
        self.decoded = decoded
        self.pathEnd = pathEnd
        self.parameters = parameters
    }

    /// A client that believes in a proxy sends `http://host/path`; the path is what counts.
    private static func dropAuthority(_ raw: inout UnsafeBufferPointer<UInt8>) {
        guard raw.first != UInt8(ascii: "/") else { return }
        for scheme in ["http://", "https://"] where raw.starts(with: scheme.utf8) {
            let rest = UnsafeBufferPointer(rebasing: raw[scheme.utf8.count...])
            guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return }
            raw = UnsafeBufferPointer(rebasing: rest[slash...])
            return
        }
    }

    private static func parse(
        query: UnsafeBufferPointer<UInt8>, into decoded: inout [UInt8], _ parameters: inout [Parameter]
    ) -> Bool {
        var index = 0
        while index < query.count {
            let rest = query[index...]
            let end = rest.firstIndex(of: UInt8(ascii: "&")) ?? query.count
            defer { index = end + 1 }
            if end == index { continue }
            guard parameters.count < parametersMax else { return false }
            let equals = query[index..<end].firstIndex(of: UInt8(ascii: "=")) ?? end
            let nameStart = decoded.count
            guard
                PercentEncoding.appendDecoded(
                    UnsafeBufferPointer(rebasing: query[index..<equals]), to: &decoded, plusIsSpace: true)
            else { return false }
            let valueStart = decoded.count
            if equals < end {
                guard
                    PercentEncoding.appendDecoded(
                        UnsafeBufferPointer(rebasing: query[(equals + 1)..<end]), to: &decoded, plusIsSpace: true)
                else { return false }
            }
            parameters.append(Parameter(name: nameStart..<valueStart, value: valueStart..<decoded.count))
        }
        return true
    }
}

// MARK: - Reading it

extension RequestTarget {
    /// The decoded path, from its first slash.
    package var path: ArraySlice<UInt8> { decoded[..<pathEnd] }

    package func name(of parameter: Parameter) -> ArraySlice<UInt8> { decoded[parameter.name] }
    package func value(of parameter: Parameter) -> ArraySlice<UInt8> { decoded[parameter.value] }

    /// The first parameter of that name; S3's own parameters are case-sensitive.
    package func first(_ name: StaticString) -> Parameter? {
        for parameter in parameters where matches(parameter, name, foldingCase: false) { return parameter }
        return nil
    }

    /// The first parameter of that name, in whatever case; `name` is in lower case. The X-Amz- parameters are read so.
    func firstFoldingCase(_ name: StaticString) -> Parameter? {
        for parameter in parameters where matches(parameter, name, foldingCase: true) { return parameter }
        return nil
    }

    package func contains(_ name: StaticString) -> Bool { first(name) != nil }

    /// The bytes of the first parameter of that name.
    package func bytes(_ name: StaticString) -> [UInt8]? { first(name).map { Array(decoded[$0.value]) } }

    /// The text of the first parameter of that name.
    package func string(_ name: StaticString) -> String? {
        first(name).map { String(decoding: decoded[$0.value], as: UTF8.self) }
    }

    func stringFoldingCase(_ name: StaticString) -> String? {
        firstFoldingCase(name).map { String(decoding: decoded[$0.value], as: UTF8.self) }
    }

    func matches(_ parameter: Parameter, _ name: StaticString, foldingCase: Bool) -> Bool {
        guard parameter.name.count == name.utf8CodeUnitCount else { return false }
        return decoded.withUnsafeBufferPointer { decoded in
            for index in 0..<name.utf8CodeUnitCount {
                var byte = decoded[parameter.name.lowerBound + index]
                if foldingCase && byte >= 0x41 && byte <= 0x5A { byte |= 0x20 }
                if byte != name.utf8Start[index] { return false }
            }
            return true
        }
    }
}
