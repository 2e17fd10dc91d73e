import Testing

/// A ratchet on the size of files: a long one has its length recorded here and may shrink, not grow.
@Suite struct SizeTests {
    static let usual = 600
    static let recorded: [String: Int] = [:]

    @Test func `no source file grows past its size`() throws {
        for file in try SourceTree.files(below: "Sources", withSuffix: ".swift") {
            let limit = Self.recorded[file.path] ?? Self.usual
            #expect(
                file.lines.count <= limit, "\(file.path) has \(file.lines.count) lines: which second noun moved in?")
        }
    }
}
