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
        room("Base"),
        room("Runtime", ["Base", "CSystem"]),
        // L1
        room("Drives", ["Base", "Runtime"]),
        room("ObjectFormat", ["Base"]),
        // L3
        room("Objects", ["Base", "Runtime", "Drives", "ObjectFormat"]),
        // Tests
        tests("BaseTests", ["Base"]),
    ]
)
