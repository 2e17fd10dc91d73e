import AdminClient
import S3Protocol
import Testing

@Suite struct AdminClientTests {
    @Test(arguments: [
        ("http://127.0.0.1:9000", "127.0.0.1", 9000), ("http://example.com/", "example.com", 80),
        ("https://example.com/", "example.com", 443), ("host:1", "host", 1),
        ("host", "host", 9000), ("http://[::1]:9000", "::1", 9000), ("[::1]", "::1", 9000),
    ])
    func `an endpoint is read`(text: String, host: String, port: Int) throws {
        let endpoint = try AdminEndpoint(text)
        #expect(endpoint.host == host)
        #expect(Int(endpoint.port) == port)
        #expect(endpoint.authority == (host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"))
    }

    @Test(arguments: [
        "", "http://", "host:", "host:0", "host:70000", "host:x", "http://host/path", ":9000",
    ])
    func `what is no endpoint is refused`(text: String) {
        #expect(throws: AdminEndpoint.Refusal.self) { try AdminEndpoint(text) }
    }

    @Test func `credentials come whole or not at all`() throws {
        let found = try AdminCredentials { ["MARTLET_ROOT_USER": "u", "MARTLET_ROOT_PASSWORD": "p"][$0] }
        #expect(found.accessKey == "u")
        #expect(found.secretKey == "p")
        for partial in [[:], ["MARTLET_ROOT_USER": "u"], ["MARTLET_ROOT_USER": "u", "MARTLET_ROOT_PASSWORD": ""]] {
            #expect(throws: AdminCredentials.Missing.self) { try AdminCredentials { partial[$0] } }
        }
    }

    private let user = XMLElement(
        name: "User",
        children: [
            XMLElement(name: "UserName", text: "ann"), XMLElement(name: "Groups"),
            XMLElement(
                name: "Tags",
                children: [
                    XMLElement(
                        name: "member",
                        children: [XMLElement(name: "Key", text: "k"), XMLElement(name: "Value", text: "\"v\"")])
                ]),
            XMLElement(name: "PolicyNames", children: [XMLElement(name: "member", text: "p")]),
        ])

    @Test func `lists are lists in JSON, empty ones too`() {
        #expect(
            AdminDocument.json(user)
                == #"{"UserName":"ann","Groups":[],"Tags":[{"Key":"k","Value":"\"v\""}],"PolicyNames":["p"]}"#)
        // A count that carries a list's name.
        let account = XMLElement(name: "Account", children: [XMLElement(name: "Users", text: "3")])
        #expect(AdminDocument.json(account) == #"{"Users":"3"}"#)
    }

    @Test func `people get lines and tables`() {
        #expect(
            AdminDocument.lines(user) == [
                "UserName: ann", "Tags:", "  -", "    Key:   k", "    Value: \"v\"", "PolicyNames: p",
            ])
        #expect(
            AdminDocument.table([user], columns: ["UserName", "PolicyNames"]) == [
                "UserName  PolicyNames", "ann       p",
            ])
    }
}
