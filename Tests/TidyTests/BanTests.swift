import Testing

/// Spellings that the house does not use in Sources, each with what to write instead.
@Suite struct BanTests {
    struct Ban {
        let spelling: String
        let instead: String
        /// Rooms, or whole paths, in which the spelling has its place.
        var allowed: [String] = []
    }

    static let bans: [Ban] = [
        Ban(spelling: "Date()", instead: "a TimeSource passed in"),
        Ban(spelling: "ContinuousClock.now", instead: "a TimeSource passed in"),
        Ban(spelling: "UUID()", instead: "UniqueID(random:)"),
        Ban(spelling: ".random(in:", instead: "a RandomSource passed in", allowed: ["SimulationSupport"]),
        Ban(spelling: "Task.detached", instead: "PinnedExecutor.spawn"),
        Ban(spelling: " Task {", instead: "PinnedExecutor.spawn"),
        Ban(spelling: "DispatchQueue", instead: "the loop"),
        Ban(spelling: "DispatchSemaphore", instead: "a continuation"),
        Ban(spelling: "nonisolated(unsafe)", instead: "a Mutex or an actor"),
        Ban(spelling: "try!", instead: "a thrown error"),
        Ban(spelling: " as! ", instead: "a checked cast"),
        Ban(spelling: "TODO", instead: "the work, or NotImplemented and a line in Docs/SEMANTICS.md"),
        Ban(spelling: "FIXME", instead: "the fix"),
        Ban(spelling: "import Foundation", instead: "Base, Digests or Glibc"),
    ]

    @Test func `tests reach what they test through package access`() throws {
        // A release build, which is what the tests run on, is not compiled for testing.
        for file in try SourceTree.files(below: "Tests", withSuffix: ".swift") where file.room != "TidyTests" {
            #expect(!file.text.contains("@testable import"), "\(file.path) uses @testable: make what it needs package")
        }
    }

    @Test func `no source file uses a banned spelling`() throws {
        for file in try SourceTree.files(below: "Sources", withSuffix: ".swift") {
            for (number, line) in file.lines.enumerated() {
                let code = line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
                for ban in Self.bans where code.contains(ban.spelling) {
                    #expect(
                        ban.allowed.contains(file.room) || ban.allowed.contains(file.path),
                        "\(file.path):\(number + 1) says \(ban.spelling): use \(ban.instead)")
                }
            }
        }
    }

    /// Where the compiler is told to trust us, and what the SAFETY note there must explain.
    static let unchecked: Set<String> = [
        "Sources/Digests/MD5Stream.swift",
        "Sources/Drives/IO/BlockingPool.swift",
        "Sources/Drives/Log/DriveLog.swift",
        "Sources/LoadGenerator/LoadClient.swift",
        "Sources/Runtime/IOBuffer.swift",
        "Sources/Runtime/Loop.swift",
        "Sources/Runtime/LoopSocket.swift",
        "Sources/Runtime/Ring.swift",
        "Sources/Runtime/Timers.swift",
        "Sources/SimulationSupport/SimulatedDrive.swift",
        "Sources/SimulationSupport/SimulatedFile.swift",
        "Sources/SimulationSupport/SimulatedFiles.swift",
        "Sources/TLS/TLSClient.swift",
        "Sources/TLS/TLSStore.swift",
        "Sources/TLS/TLSTransport.swift",
    ]

    @Test func `unchecked sendability is listed and explained`() throws {
        for file in try SourceTree.files(below: "Sources", withSuffix: ".swift")
        where file.text.contains("@unchecked Sendable") {
            #expect(Self.unchecked.contains(file.path), "\(file.path) is not in the list")
            #expect(file.text.contains("// SAFETY:"), "\(file.path) does not say why it is safe")
        }
    }
}
