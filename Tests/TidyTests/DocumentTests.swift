import Foundation
import Testing

@Suite struct DocumentTests {
    @Test func `every relative link in the documents leads to a file`() throws {
        let pages =
            try SourceTree.files(below: "Docs", withSuffix: ".md")
            + ["README.md", "CHANGELOG.md"].map { name in
                SourceTree.File(
                    path: name, text: try String(contentsOf: SourceTree.root.appending(path: name), encoding: .utf8))
            }
        for page in pages {
            let folder = SourceTree.root.appending(path: page.path).deletingLastPathComponent()
            for link in page.text.matches(of: /\]\(([^)#:\s]+)(#[^)]*)?\)/) {
                let target = folder.appending(path: String(link.output.1))
                #expect(FileManager.default.fileExists(atPath: target.path()), "\(page.path) links to \(link.output.1)")
            }
        }
    }
}
