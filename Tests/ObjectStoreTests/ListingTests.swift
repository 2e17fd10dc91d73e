import Base
import ObjectFormat
import Objects
import ObjectsTestSupport
import Testing

/// Every combination of parameters over hostile keys, against a listing of five lines.
@Suite struct ListingTests {
    static let keys: [ObjectKey] = [
        "/", "//", "///x", "a", "a/", "a//", "a//b", "a/b", "a/b/", "a/b/c", "a/c", "a0", "aa", "ab/c", "ab/d", "b",
        "b\u{0}", "b\u{0}/x", "b\u{0}\u{0}", "b\u{1}", "boo/bar", "boo/baz/xyzzy", "cquux/bla", "cquux/thud", "é",
        "é/1",
        "e\u{301}/2", "𐀀", "𐀀/a", "\u{FFFD}", "x--y--z", "x--y-z", "x-y--z", "z/z/z/z",
    ].sorted()

    static func common(_ key: ObjectKey, _ prefix: ObjectKey, _ delimiter: ObjectKey) -> ObjectKey? {
        guard !delimiter.bytes.isEmpty, key.bytes.starts(with: prefix.bytes) else { return nil }
        let rest = Array(key.bytes[prefix.bytes.count...])
        guard rest.count >= delimiter.bytes.count else { return nil }
        for index in 0...(rest.count - delimiter.bytes.count)
        where Array(rest[index..<index + delimiter.bytes.count]) == delimiter.bytes {
            return ObjectKey(prefix.bytes + rest[..<(index + delimiter.bytes.count)])
        }
        return nil
    }

    static func naive(_ prefix: ObjectKey, _ delimiter: ObjectKey, _ start: ListStart) -> [String] {
        var found: [String] = []
        for key in keys where key.bytes.starts(with: prefix.bytes) {
            let folded = common(key, prefix, delimiter)
            switch start {
            case .beginning: break
            case .after(let marker): if key <= marker { continue }
            case .past(let marker): if key <= marker || key.bytes.starts(with: marker.bytes) { continue }
            case .marker(let marker):
                if key <= marker { continue }
                if let folded, folded == common(marker, prefix, delimiter) { continue }
            }
            let entry = folded.map { "prefix \($0)" } ?? "key \(key)"
            if found.last != entry { found.append(entry) }
        }
        return found
    }

    static func names(_ entries: [ListResult.Entry]) -> [String] {
        entries.map { entry in
            switch entry {
            case .object(let info): "key \(info.key)"
            case .commonPrefix(let prefix): "prefix \(prefix)"
            }
        }
    }

    @Test func `every listing is what a naive one gives, and pages add up to it`() {
        Fixture.run(sets: 3) { fixture async throws in
            for key in Self.keys { try await fixture.put(key, Array(key.bytes.prefix(3))) }
            let prefixes: [ObjectKey] = ["", "a", "a/", "b", "boo/ba", "/", "é", "none", "b\u{0}", "x-"]
            let delimiters: [ObjectKey] = ["", "/", "--", "\u{0}", "a", "//"]
            let starts: [ListStart] =
                [
                    .beginning, .after("a/b"), .after("boo/bar"), .past("a/"), .past("𐀀"), .marker("a/"),
                    .marker("boo/bar"),
                ]
                + [.after("b"), .after("b\u{0}"), .marker("zzzz"), .past("b\u{0}"), .after("\u{10FFFF}")]
            for prefix in prefixes {
                for delimiter in delimiters {
                    for start in starts {
                        let context = "prefix \(prefix) delimiter \(delimiter) start \(start)"
                        let expected = Self.naive(prefix, delimiter, start)
                        for limit in [1, 2, 3, 7, 1000] {
                            var options = ListOptions()
                            (options.prefix, options.delimiter, options.start, options.limit) =
                                (prefix, delimiter, start, limit)
                            var found: [String] = [], pages = 0
                            while true {
                                let page = try await fixture.store.list(
                                    fixture.bucket, tenant: fixture.tenant, options: options)
                                found += Self.names(page.entries)
                                pages += 1
                                guard let next = page.next else { break }
                                #expect(page.entries.count == limit, "\(context) limit \(limit)")
                                options.start = next
                                guard pages < 100 else { break }
                            }
                            #expect(found == expected, "\(context) limit \(limit)")
                            #expect(pages == max(1, (expected.count + limit - 1) / limit), "\(context) limit \(limit)")
                        }
                    }
                }
            }
        }
    }

    @Test func `the marker protocol walks a listing by its last entries`() {
        Fixture.run(sets: 2) { fixture async throws in
            for key in Self.keys { try await fixture.put(key, []) }
            for delimiter in ["", "/", "--"] as [ObjectKey] {
                var options = ListOptions(), found: [String] = []
                options.delimiter = delimiter
                options.limit = 2
                while true {
                    let page = try await fixture.store.list(fixture.bucket, tenant: fixture.tenant, options: options)
                    found += Self.names(page.entries)
                    guard page.next != nil, let last = page.entries.last else { break }
                    switch last {
                    case .object(let info): options.start = .marker(info.key)
                    case .commonPrefix(let prefix): options.start = .marker(prefix)
                    }
                }
                #expect(found == Self.naive("", delimiter, .beginning))
            }
        }
    }

    @Test func `no entries are asked for, none come`() {
        Fixture.run { fixture async throws in
            try await fixture.put("a", [])
            var options = ListOptions()
            options.limit = 0
            let page = try await fixture.store.list(fixture.bucket, tenant: fixture.tenant, options: options)
            #expect(page.entries.isEmpty)
            #expect(page.next == nil)
        }
    }

    @Test func `versions of a bucket without versioning are the null versions`() {
        Fixture.run(sets: 2) { fixture async throws in
            for key in Self.keys { for _ in 0..<2 { try await fixture.put(key, [1]) } }
            for limit in [1, 3, 1000] {
                var options = ListVersionsOptions(), found: [ObjectKey] = []
                options.limit = limit
                while true {
                    let page = try await fixture.store.listVersions(
                        fixture.bucket, tenant: fixture.tenant, options: options)
                    for entry in page.entries {
                        guard case .version(let info, let isLatest) = entry else { continue }
                        #expect(isLatest)
                        #expect(info.version == .null)
                        found.append(info.key)
                    }
                    guard let next = page.next else { break }
                    options.keyMarker = next.key
                    options.versionMarker = next.version
                }
                #expect(found == Self.keys, "limit \(limit)")
            }
        }
    }

    @Test func `many keys under a prefix cost a seek, not a scan`() {
        Fixture.run(sets: 1) { fixture async throws in
            for index in 0..<600 { try await fixture.put(ObjectKey("dir\(index % 3)/\(index)"), []) }
            var options = ListOptions()
            options.delimiter = "/"
            let page = try await fixture.store.list(fixture.bucket, tenant: fixture.tenant, options: options)
            #expect(Self.names(page.entries) == ["prefix dir0/", "prefix dir1/", "prefix dir2/"])
        }
    }
}
