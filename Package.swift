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
    dependencies: [],
    targets: [
        // L0
        .target(name: "CSystem", linkerSettings: [.linkedLibrary("uring")]),
        .target(name: "CKernels"),
        .target(name: "CDigests", linkerSettings: [.linkedLibrary("crypto"), .linkedLibrary("xxhash")]),
        room("Base"),
        room("Digests", ["CKernels", "CDigests"]),
        room("Runtime", ["Base", "CSystem"]),
        // L1
        .target(name: "CErasure", linkerSettings: [.linkedLibrary("isal")]),
        room("ErasureCoding", ["CErasure"]),
        room("Drives", ["Base", "Runtime", "Digests", "CSystem"]),
        // L3
        room("Objects", ["Base", "Runtime", "Drives"]),
        // L6
        room("SimulationSupport", ["Base", "Drives"]),
        // Tests
        tests("BaseTests", ["Base"]),
        tests("DrivesTests", ["Base", "Digests", "Drives", "Runtime", "SimulationSupport"]),
        tests("SimulationSupportTests", ["Base", "Drives", "SimulationSupport"]),
        tests("RuntimeTests", ["Base", "Runtime"]),
        tests("DigestsTests", ["Digests", "CKernels"]),
        tests("ErasureCodingTests", ["ErasureCoding"]),
    ]
)
