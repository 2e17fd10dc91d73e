import Digests
import S3Protocol
import Testing

@Suite struct FormDataTests {
    static let form =
        "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na/${filename}\r\n--b \r\n"
        + "content-disposition: form-data; name=\"Empty\"\r\n\r\n\r\n--b\r\n"
        + "Content-Disposition: form-data; name=\"file\"; filename=\"C:\\x\\na\\\"me.txt\"\r\nContent-Type: text/x\r\n\r\n"

    struct Result: Equatable {
        var fields: [String] = []
        var fileName: String?
        var contentType: String?
        var file: [UInt8] = []
        var isComplete = false
    }

    /// Feeds the bytes in pieces of a size.
    static func parse(_ bytes: [UInt8], piece: Int, boundary: String = "b") throws -> Result {
        var parser = try FormDataParser(contentType: "multipart/form-data; boundary=\"\(boundary)\"")
        var result = Result(), fed = 0, isFile = false
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: 7, alignment: 1)
        defer { target.deallocate() }
        while true {
            if isFile {
                let count = parser.takeFile(into: target)
                result.file += target[..<count]
                if count > 0 { continue }
                result.isComplete = parser.isFileComplete
                if result.isComplete { return result }
            } else if let event = try parser.next() {
                switch event {
                case .field(let name, let value): result.fields.append("\(name)=\(value)")
                case .file(let name, let type):
                    (result.fileName, result.contentType) = (name, type)
                    isFile = true
                case .end: return result
                }
                continue
            }
            guard fed < bytes.count else { return result }
            let end = min(fed + piece, bytes.count)
            try bytes[fed..<end].withUnsafeBytes { try parser.feed($0) }
            fed = end
        }
    }

    @Test(arguments: [1, 2, 3, 7, 64, 100_000]) func `a form is the same in whatever pieces it comes`(_ piece: Int)
        throws
    {
        for file in [
            "", "x", "\r\n", "\r\n--", "\r\n--c\r\n-", "a\r\n--\r\n--bogus".replacing("--b", with: "--a"),
            "line\r\nline",
        ] {
            let result = try Self.parse(Array((Self.form + file + "\r\n--b--\r\n").utf8), piece: piece)
            #expect(result.fields == ["key=a/${filename}", "Empty="])
            #expect(result.fileName == "C:\\x\\na\"me.txt")
            #expect(result.contentType == "text/x")
            #expect(result.file == Array(file.utf8), "\(file)")
            #expect(result.isComplete)
        }
        let cut = try Self.parse(Array((Self.form + "abc").utf8), piece: piece)
        #expect(!cut.isComplete)
    }

    @Test func `fields have a limit and forms a form`() throws {
        let large = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + String(repeating: "x", count: 30_000)
        #expect(throws: S3Error(.maxPostPreDataLengthExceededError)) {
            _ = try Self.parse(Array(large.utf8), piece: 512)
        }
        for bad in ["--b\r\nname\r\n\r\nx", "--b\r\nContent-Disposition: attachment\r\n\r\nx", "--bx\r\n\r\n"] {
            #expect(throws: S3Error(.malformedPOSTRequest)) { _ = try Self.parse(Array(bad.utf8), piece: 100) }
        }
        for type in ["multipart/form-data", "text/plain; boundary=b", "multipart/form-data; boundary="] {
            #expect(throws: S3Error(.malformedPOSTRequest)) { _ = try FormDataParser(contentType: type) }
        }
    }

    @Test func `random bytes never trap`() {
        var random = SplitMix64(seed: 0xF0)
        for _ in 0..<3000 {
            var bytes = Array((Self.form + "file\r\n--b--").utf8)
            for _ in 0...random.next() % 4 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = try? Self.parse(bytes, piece: 1 + Int(random.next() % 40))
        }
    }
}
