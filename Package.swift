// swift-tools-version: 6.2
// The rooms of Martlet and what may import what: Docs/ARCHITECTURE.md. Tests/TidyTests checks every import against that table.
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// A room of the package: a Swift target with the shared settings.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
    name: "martlet",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0"),
    ],
    targets: [
        // L0
        .target(name: "CLinux", linkerSettings: [.linkedLibrary("uring")]),
        room("Base"),
        room("Runtime", ["Base", "CLinux"]),
        .target(name: "CKernels"),
        .target(name: "CDigests", linkerSettings: [.linkedLibrary("crypto"), .linkedLibrary("xxhash")]),
        .target(name: "CTLS", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "CArchives", linkerSettings: [.linkedLibrary("z"), .linkedLibrary("zstd")]),
        .target(name: "CExpat", linkerSettings: [.linkedLibrary("expat")]),
        .target(
            name: "CSignOn",
            linkerSettings: [
                .linkedLibrary("crypto"), .linkedLibrary("curl"), .linkedLibrary("ldap"), .linkedLibrary("lber"),
            ]),
        room("Digests", ["CKernels", "CDigests"]),
        // L1
        room("Drives", ["Base", "Runtime", "Digests", "CLinux"]),
        room("S3Protocol", ["Base", "Digests", "CExpat"]),
        room("TLS", ["Base", "Runtime", "CTLS"]),
        room("HTTPServer", ["Base", "Runtime", "CLinux", "TLS"]),
        room("HTTPClient", ["CLinux", "Runtime", "TLS"]),
        .target(name: "CErasure", linkerSettings: [.linkedLibrary("isal")]),
        room("ErasureCoding", ["CErasure"]),
        room("ObjectFormat", ["Base", "Digests"]),
        room("Archives", ["CArchives"]),
        room("AccessPolicy", ["Base", "Digests"]),
        room("Limits"),
        // L3
        room("Objects", ["Base", "Digests", "Runtime", "Drives", "ErasureCoding", "ObjectFormat"]),
        // L4
        room("Telemetry", ["Base"]),
        room("Identity", ["AccessPolicy", "Base", "Digests", "Objects"]),
        room("SignOn", ["AccessPolicy", "Base", "CSignOn", "Digests", "Drives"]),
        // L5
        room(
            "S3Frontend",
            [
                "AccessPolicy", "Archives", "Base", "Digests", "Identity", "Limits", "Runtime", "HTTPServer",
                "ObjectFormat",
                "S3Protocol",
                "Objects", "SignOn",
                "Telemetry",
            ]),
        // L6
        room("SimulationSupport", ["Base", "Drives"]),
        room(
            "Server",
            [
                "AccessPolicy", "Base", "CLinux", "Digests", "Identity", "Runtime", "Drives", "HTTPServer",
                "ObjectFormat",
                "S3Protocol",
                "Objects", "SignOn", "Telemetry", "TLS",
                "S3Frontend", .product(name: "Configuration", package: "swift-configuration"),
            ]),
        room(
            "Simulation",
            ["Base", "Digests", "Drives", "ObjectFormat", "Objects", "Runtime", "SimulationSupport"]),
        room("LoadGenerator", ["Base", "CLinux", "Digests", "HTTPClient", "Runtime", "S3Protocol", "TLS"]),
        room("AdminClient", ["AccessPolicy", "Base", "Digests", "HTTPClient", "Runtime", "S3Protocol", "TLS"]),
        room("ObjectsTestSupport", ["Base", "Drives", "ObjectFormat", "Objects", "Runtime"]),
        .executableTarget(
            name: "martlet",
            dependencies: [
                "AdminClient", "Base", "LoadGenerator", "Runtime", "S3Protocol", "Server", "Simulation", "TLS",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        // Tests
        tests("BaseTests", ["Base"]),
        tests("DigestsTests", ["Digests", "CKernels"]),
        tests("SimulationTests", ["Drives", "Objects", "Simulation"]),
        tests("SimulationSupportTests", ["Base", "Drives", "SimulationSupport"]),
        tests(
            "ServerTests",
            ["Base", "Server", "SignOn", .product(name: "Configuration", package: "swift-configuration")]),
        tests("LoadGeneratorTests", ["Base", "Digests", "LoadGenerator", "S3Protocol"]),
        tests("TelemetryTests", ["Base", "Telemetry"]),
        tests("TidyTests"),
        tests("S3ProtocolTests", ["S3Protocol", "Base", "Digests"]),
        .testTarget(
            name: "DrivesTests", dependencies: ["Base", "Digests", "Drives", "Runtime", "SimulationSupport"],
            exclude: ["Golden"],
            swiftSettings: settings),
        tests("RuntimeTests", ["Base", "Runtime", "SimulationSupport"]),
        tests("FuzzTests", ["AccessPolicy", "Base", "Digests", "HTTPServer", "S3Protocol"]),
        tests("HTTPServerTests", ["Base", "HTTPClient", "Runtime", "HTTPServer", "TLS"]),
        tests("ErasureCodingTests", ["ErasureCoding"]),
        tests("ArchivesTests", ["Archives"]),
        tests("AccessPolicyTests", ["AccessPolicy"]),
        tests("LimitsTests", ["Limits"]),
        tests("AdminClientTests", ["AdminClient", "S3Protocol"]),
        tests("IdentityTests", ["AccessPolicy", "Base", "Digests", "Identity", "Objects"]),
        tests("SignOnTests", ["AccessPolicy", "Base", "Identity", "SignOn"]),
        tests("ObjectFormatTests", ["Base", "Digests", "ObjectFormat"]),
        tests(
            "ObjectStoreTests",
            ["Base", "Digests", "Drives", "ObjectFormat", "Objects", "ObjectsTestSupport", "Runtime"]),
        tests("ObjectsDataTests", ["Base", "Digests", "Drives", "ObjectFormat", "Objects", "Runtime"]),
        tests("ObjectsTests", ["Base", "Drives", "ObjectFormat", "Objects", "Runtime", "SimulationSupport"]),
    ]
)

// What Perf/ builds, apart from everything else: `MARTLET_PERF=1 swift build --product Microbenchmarks`. Of this package, because it calls what
// has `package` access; behind a variable, so that no other build has it in its plan.
if Context.environment["MARTLET_PERF"] == "1" {
    package.targets += [
        .target(name: "CAllocations", path: "Perf/Microbenchmarks/CAllocations"),
        .executableTarget(
            name: "Microbenchmarks",
            dependencies: [
                "Base", "CAllocations", "CKernels", "Digests", "Drives", "ErasureCoding", "ObjectFormat", "Objects",
                "ObjectsTestSupport", "Runtime", "S3Protocol",
            ],
            path: "Perf/Microbenchmarks/Benchmarks", swiftSettings: settings),
    ]
}
