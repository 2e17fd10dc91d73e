/// Expands `{1...4}` in drive paths: `/mnt/drive{1...4}` names four. Several braces multiply, the last one counts fastest.
package enum BraceExpansion {
    /// At most this many paths come out of one server's arguments; more is a typing error.
    static let pathsMax = 4096

    package static func expand(_ patterns: [String]) throws(SettingsError) -> [String] {
        var paths: [String] = []
        for pattern in patterns {
            paths += try expand(pattern)
            guard paths.count <= pathsMax else {
                throw SettingsError("the drive arguments name more than \(pathsMax) paths")
            }
        }
        return paths
    }

    private static func expand(_ pattern: String) throws(SettingsError) -> [String] {
        guard let open = pattern.firstIndex(of: "{") else { return [pattern] }
        guard let close = pattern[open...].firstIndex(of: "}") else {
            throw SettingsError("\(pattern): a { without its }")
        }
        let inside = pattern[pattern.index(after: open)..<close]
        let bounds = inside.split(separator: "...", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = Int(bounds[0]), let last = Int(bounds[1]), first <= last,
            last - first < pathsMax
        else { throw SettingsError("\(pattern): {\(inside)} is not a range such as {1...4}") }
        // {01...12} keeps the width of its first number.
        let width = bounds[0].hasPrefix("0") ? bounds[0].count : 0
        let tails = try expand(String(pattern[pattern.index(after: close)...]))
        var paths: [String] = []
        for number in first...last {
            let digits = String(number)
            let padded = String(repeating: "0", count: max(0, width - digits.count)) + digits
            for tail in tails { paths.append(pattern[..<open] + padded + tail) }
            guard paths.count <= pathsMax else { throw SettingsError("\(pattern) names more than \(pathsMax) paths") }
        }
        return paths
    }
}
