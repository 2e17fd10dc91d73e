import CArchives

package enum ArchiveError: Error, Hashable, Sendable {
    /// Not what it says it is, or damaged: where and how, in words for the client.
    case malformed(String)
    /// Right, and beyond what is taken.
    case unsupported(String)
}

/// Expands a compressed stream, a buffer at a time. Gzip members and zstd frames that follow one another are one stream. Used by one
/// task at a time.
package final class Decoder {
    package enum Kind: Hashable, Sendable {
        case none, gzip, zstd
        /// Deflate without a frame of its own, as in zip files.
        case deflate

        /// By the first bytes of a stream; four tell.
        package static func of(_ head: [UInt8]) -> Kind {
            if head.starts(with: [0x1F, 0x8B]) { return .gzip }
            if head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return .zstd }
            return .none
        }
    }

    private let kind: Kind
    private let state: OpaquePointer?
    /// The stream could end here.
    package private(set) var isWhole = false

    package init(_ kind: Kind) throws(ArchiveError) {
        self.kind = kind
        switch kind {
        case .none: state = nil
        case .gzip: state = carchives_decoder_make(carchives_gzip)
        case .deflate: state = carchives_decoder_make(carchives_deflate)
        case .zstd: state = carchives_decoder_make(carchives_zstd)
        }
        guard kind == .none || state != nil else { throw .unsupported("no memory for the stream") }
        isWhole = kind == .none
    }

    deinit { carchives_decoder_free(state) }

    /// How many bytes of the input were used, and how many of the output were filled. Both 0: more input is needed.
    package func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(ArchiveError) -> (used: Int, made: Int) {
        guard let state else {
            let count = min(input.count, output.count)
            output.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
            return (count, count)
        }
        guard !output.isEmpty, !input.isEmpty || !isWhole else { return (0, 0) }
        // Raw deflate has one end; what follows it belongs to nobody.
        if kind == .deflate, isWhole { return (0, 0) }
        var used = 0, made = 0
        let status = carchives_decode(
            state, input.baseAddress, input.count, &used, output.baseAddress, output.count, &made)
        guard Int(status) != carchives_broken else { throw .malformed("the compressed stream is damaged") }
        isWhole = Int(status) == carchives_ended
        return (used, made)
    }
}
