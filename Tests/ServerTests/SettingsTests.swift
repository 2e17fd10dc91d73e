import Base
import Configuration
import Server
import Testing

@Suite struct SettingsTests {
    static func settings(_ values: [AbsoluteConfigKey: ConfigValue]) throws -> Settings {
        try Settings(reader: ConfigReader(provider: InMemoryProvider(values: values)))
    }

    @Test func `without any setting the defaults hold`() throws {
        #expect(try Self.settings([:]) == Settings())
    }

    @Test func `numbers come as text from flags and as numbers from files`() throws {
        #expect(try Self.settings(["setSize": "4"]).setSize == 4)
        #expect(try Self.settings(["setSize": 8]).setSize == 8)
        #expect(throws: SettingsError.self) { try Self.settings(["setSize": "many"]) }
        #expect(throws: SettingsError.self) { try Self.settings(["setSize": 17]) }
    }

    @Test func `domains are a comma list`() throws {
        #expect(try Self.settings(["domain": "s3.example.org, s3.local"]).domains == ["s3.example.org", "s3.local"])
    }

    @Test func `flags win over the rest`() async throws {
        let settings = try await Settings.load(flags: ["address": "127.0.0.1:1"], configFile: nil)
        #expect(settings.address == "127.0.0.1:1")
    }

    @Test func `a missing configuration file is an error that names it`() async {
        await #expect(throws: SettingsError.self) {
            try await Settings.load(flags: [:], configFile: "/nonexistent.json")
        }
    }
}

@Suite struct BraceExpansionTests {
    @Test func `a range names its paths in order`() throws {
        #expect(try BraceExpansion.expand(["/d{1...3}", "/x"]) == ["/d1", "/d2", "/d3", "/x"])
        #expect(try BraceExpansion.expand(["/n{1...2}/d{08...10}"]).prefix(3) == ["/n1/d08", "/n1/d09", "/n1/d10"])
    }

    @Test(arguments: ["/d{1...", "/d{a...b}", "/d{3...1}", "/d{1..4}", "/d{1...100000}"])
    func `what is not a range is refused`(pattern: String) {
        #expect(throws: SettingsError.self) { try BraceExpansion.expand([pattern]) }
    }
}
