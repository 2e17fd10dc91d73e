import CExpat

/// An element of a request's document. Names come without namespace; of the attributes only the one that S3 has is kept.
package struct XMLElement: Hashable, Sendable {
    package var name: String
    /// The text directly inside, white space included.
    package var text: String
    package var children: [XMLElement]
    /// `xsi:type`, which tells the kinds of grantees apart.
    package var type: String?

    package init(name: String, text: String = "", children: [XMLElement] = []) {
        self.name = name
        self.text = text
        self.children = children
    }
}

/// Reads a document whole, through libexpat: no document type, no entities but XML's five, bounded in bytes, depth and
/// elements. Everything else is MalformedXML.
package enum XMLReader {
    package struct Limits: Sendable {
        package var bytes: Int
        package var depth: Int
        package var elements: Int

        package init(bytes: Int = 1 << 20, depth: Int = 16, elements: Int = 20_000) {
            self.bytes = bytes
            self.depth = depth
            self.elements = elements
        }

        /// 10,000 parts with a checksum each, or 1,000 keys of 1,024 bytes written as entities.
        package static let longLists = Limits(bytes: 8 << 20, depth: 16, elements: 200_000)
    }

    package static func parse(_ bytes: [UInt8], limits: Limits = Limits()) throws(S3Error) -> XMLElement {
        guard !bytes.isEmpty else { throw S3Error(.missingRequestBodyError) }
        guard bytes.count <= limits.bytes else { throw S3Error(.malformedXML) }
        let builder = Builder(limits)
        // The context is unretained: the builder outlives the call that uses it.
        var handler = cexpat_handler(
            context: Unmanaged.passUnretained(builder).toOpaque(),
            start: { context, name, count, type in Builder.of(context)?.start(name, count, type) ?? 1 },
            text: { context, text, count in Builder.of(context)?.append(text, count) ?? 1 },
            end: { context in Builder.of(context)?.end() ?? 1 })
        let status = withExtendedLifetime(builder) {
            bytes.withUnsafeBytes { cexpat_parse($0.baseAddress, $0.count, &handler) }
        }
        guard status == 0, let root = builder.root else { throw S3Error(.malformedXML) }
        return root
    }

    private final class Builder {
        private let limits: Limits
        private var open: [(name: String, text: [UInt8], children: [XMLElement], type: String?)] = []
        private var elements = 0
        private(set) var root: XMLElement?

        init(_ limits: Limits) { self.limits = limits }

        static func of(_ context: UnsafeMutableRawPointer?) -> Builder? {
            context.map { Unmanaged<Builder>.fromOpaque($0).takeUnretainedValue() }
        }

        func start(_ name: UnsafePointer<CChar>?, _ count: Int, _ type: UnsafePointer<CChar>?) -> CInt {
            elements += 1
            guard open.count < limits.depth, elements <= limits.elements, let name else { return 1 }
            let bytes = UnsafeRawBufferPointer(start: name, count: count)
            open.append((String(decoding: bytes, as: UTF8.self), [], [], type.map { String(cString: $0) }))
            return 0
        }

        func append(_ text: UnsafePointer<CChar>?, _ count: Int) -> CInt {
            guard !open.isEmpty, let text else { return 1 }
            open[open.count - 1].text.append(contentsOf: UnsafeRawBufferPointer(start: text, count: count))
            return 0
        }

        func end() -> CInt {
            guard let last = open.popLast() else { return 1 }
            var element = XMLElement(
                name: last.name, text: String(decoding: last.text, as: UTF8.self), children: last.children)
            element.type = last.type
            if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
            return 0
        }
    }
}
