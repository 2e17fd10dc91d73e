import Foundation

/// The checkout that the tests were built from, read as text.
struct SourceTree {
    struct File {
        /// Relative to the checkout, with forward slashes.
        let path: String
        let text: String
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        /// The folder below Sources or Tests.
        var room: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func files(below folder: String, withSuffix suffix: String) throws -> [File] {
        let base = root.appending(path: folder)
        guard let walker = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else { return [] }
        var files: [File] = []
        for case let url as URL in walker where url.path().hasSuffix(suffix) {
            let path = String(url.path().dropFirst(root.path().count)).drop(while: { $0 == "/" })
            files.append(File(path: String(path), text: try String(contentsOf: url, encoding: .utf8)))
        }
        return files.sorted { $0.path < $1.path }
    }
}
