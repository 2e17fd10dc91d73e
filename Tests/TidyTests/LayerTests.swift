import Foundation
import Testing

/// Docs/ARCHITECTURE.md, "Rooms": imports go down only, and two rooms of one layer do not import each other.
@Suite struct LayerTests {
    static let layers: [[String]] = [
        // L0. The C shims and Base lie below Digests and Runtime, which wrap them for Swift.
        ["CLinux", "CKernels", "CDigests", "CArchives", "CErasure", "CExpat", "CSignOn", "CTLS", "Base"],
        ["Digests", "Runtime"],
        // Below both ends of HTTP.
        ["TLS"],
        // L1
        [
            "Drives", "HTTPServer", "HTTPClient", "ErasureCoding", "ObjectFormat", "S3Protocol", "AccessPolicy",
            "Archives", "Limits",
        ],
        // L3
        ["Objects"],
        // L4
        ["Telemetry", "Healing", "Identity", "SignOn"],
        // L5
        ["S3Frontend"],
        // L6
        ["Server", "LoadGenerator", "AdminClient", "SimulationSupport", "ObjectsTestSupport"],
        // Runs the engine on what SimulationSupport has.
        ["Simulation"],
        ["martlet"],
    ]
    static let outside: [String: [String]] = [
        "Synchronization": [], "Glibc": [],
        "Configuration": ["Server"],
        "ArgumentParser": ["martlet"],
        "Logging": ["Telemetry", "Server", "martlet"],
    ]

    static func layer(of room: String) -> Int? { layers.firstIndex { $0.contains(room) } }

    static func imports(of file: SourceTree.File) -> [String] {
        file.lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index <= 2, !line.hasPrefix("//"), !line.hasPrefix(" "),
                words[..<index].allSatisfy({ ["package", "public", "internal", "@testable"].contains($0) })
            else { return nil }
            return words.last.map(String.init)
        }
    }

    @Test func `every room stands in one layer`() throws {
        let rooms = Set(try SourceTree.files(below: "Sources", withSuffix: ".swift").map(\.room))
        #expect(rooms.count > 3)
        for room in rooms.sorted() { #expect(Self.layer(of: room) != nil, "\(room) is in no layer") }
    }

    @Test func `imports go down`() throws {
        for file in try SourceTree.files(below: "Sources", withSuffix: ".swift") {
            guard let here = Self.layer(of: file.room) else { continue }
            for name in Self.imports(of: file) {
                if let there = Self.layer(of: name) {
                    #expect(there < here, "\(file.path) imports \(name), which is not below \(file.room)")
                } else if let allowed = Self.outside[name] {
                    #expect(
                        allowed.isEmpty || allowed.contains(file.room),
                        "\(file.path) imports \(name); only \(allowed) may")
                } else {
                    Issue.record("\(file.path) imports \(name), which no table lists")
                }
            }
        }
    }

    @Test func `the import reader sees what a file imports`() {
        let file = SourceTree.File(
            path: "Sources/X/a.swift", text: "package import Base\nimport Glibc\n// import Foundation\n  import Y\n")
        #expect(Self.imports(of: file) == ["Base", "Glibc"])
    }
}
