import AccessPolicy
import Glibc
import Testing

/// Documents that somebody sends are hostile bytes: whatever they are, the parser answers, and what it takes can be asked.
@Suite struct PolicyFuzzTests {
    private static let corpus = [
        "{\"Version\":\"2012-10-17\",\"Id\":\"x\",\"Statement\":[{\"Sid\":\"a\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"111111111111\",\"arn:aws:iam::111111111111:user/alice\"],\"CanonicalUser\":\"c1\"},\"Action\":[\"s3:Get*\",\"s3:PutObject\"],\"Resource\":[\"arn:aws:s3:::b\",\"arn:aws:s3:::b/*\"],\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":[\"192.0.2.0/24\",\"2001:db8::/32\"]},\"StringLike\":{\"aws:Referer\":\"http*\"}}}]}",
        "{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"NotResource\":\"arn:aws:s3:::b/${aws:username, 'x'}/*\",\"Condition\":{\"ForAllValues:StringNotEqualsIgnoreCase\":{\"aws:TagKeys\":[\"a\",\"b\"]},\"NumericLessThanEquals\":{\"s3:max-keys\":10.5e1},\"DateGreaterThan\":{\"aws:CurrentTime\":\"2026-11-23T22:00:00.123+01:00\"},\"Null\":{\"aws:TokenIssueTime\":true},\"BinaryEquals\":{\"aws:x\":\"QUI=\"},\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:sns:*:${aws:number}:x\"}}}}",
        "{\"Version\":\"2008-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"NotPrincipal\":{\"AWS\":\"*\"},\"NotAction\":[\"s3:*\"],\"Resource\":\"arn:aws:s3:::b/*\"}]}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"id.example.com\"},\"Action\":\"sts:AssumeRoleWithWebIdentity\",\"Condition\":{\"StringEquals\":{\"id.example.com:sub\":\"\\u00e9\\ud83d\\ude00\"}}}]}",
    ]
    /// What parsers stumble over.
    private static let pieces = [
        "{", "}", "[", "]", "\"", "\\", "\\u", "\\ud800", "${", "}", "*", "?", ":", "::", "/", ",", "'", "null", "true",
        "1e999", "-", "0x",
        "99999999999999999999", "\u{0}", "\u{FEFF}", "é", "\u{1F600}", "/129", "/-1", "255.255.255.256",
        "2026-13-45T99:99:99",
        "ForAllValues:", "IfExists", "Not", "arn:aws:s3:::", "${aws:username", "[[[[[[[[", "{\"a\":{\"a\":{\"a\":",
    ]

    private static func mutated(_ random: inout SeededRandom) -> [UInt8] {
        var bytes = Array(random.pick(corpus).utf8)
        for _ in 0...Int(random.next() % 6) {
            guard !bytes.isEmpty else { break }
            let place = Int(random.next() % UInt64(bytes.count))
            switch random.next() % 8 {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[place] ^= 1 << UInt8(random.next() % 8)
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + 1 + Int(random.next() % 20)))
            case 3: bytes.insert(contentsOf: random.pick(pieces).utf8, at: place)
            case 4:
                let end = min(bytes.count, place + 1 + Int(random.next() % 60))
                bytes.insert(contentsOf: bytes[place..<end], at: Int(random.next() % UInt64(bytes.count)))
            case 5: bytes.removeLast(bytes.count - place)
            case 6:
                bytes.insert(contentsOf: [UInt8](repeating: random.pick(Array("*?{[\"$".utf8)), count: 40), at: place)
            default:
                let other = Array(random.pick(corpus).utf8), cut = Int(random.next() % UInt64(other.count))
                bytes = Array(bytes[..<place]) + other[cut...]
            }
        }
        return bytes
    }

    /// FUZZ_POLICIES=N runs N documents from a seed of the day instead of the fixed few.
    @Test func `no document traps the parser or the evaluator`() throws {
        let wanted = getenv("FUZZ_POLICIES").flatMap { Int(String(cString: $0)) }
        let seed: UInt64 = wanted == nil ? 7 : UInt64(time(nil))
        var random = SeededRandom(seed), taken = 0, refused = 0
        let uses: [PolicyUse] = [.identity, .bucket("b"), .trust]
        for round in 0..<(wanted ?? 12_000) {
            let bytes = Self.mutated(&random)
            for use in uses {
                do throws(PolicyError) {
                    let policy = try PolicyDocument(parsing: bytes, use: use)
                    taken += 1
                    _ = policy.isPublic
                    let request = Sample.request(
                        round % 2 == 0 ? Sample.user() : .anonymous, "s3:GetObject",
                        "arn:aws:s3:::b/\(String(decoding: bytes.prefix(40), as: UTF8.self))",
                        [
                            "aws:username": [String(decoding: bytes.suffix(30), as: UTF8.self)],
                            "aws:sourceip": ["::ffff:1.2.3.4"],
                        ])
                    let short = policy.evaluate(request), long = policy.evaluate(request, explaining: true)
                    #expect(short.answer == long.answer, "seed \(seed), round \(round)")
                    #expect(long.outcomes.count == policy.statements.count)
                } catch {
                    refused += 1
                    #expect(!error.message.isEmpty)
                }
            }
        }
        #expect(taken > 100 && refused > 100, "\(taken) documents were taken, \(refused) refused")
    }

    @Test func `a pattern of stars costs no more than its length times the text's`() throws {
        let stars = String(repeating: "*a", count: 4000)
        let policy = try Sample.identity(Sample.statement(principal: nil, resource: "arn:aws:s3:::b/\(stars)b"))
        let key = String(repeating: "a", count: 1024)
        #expect(!policy.evaluate(Sample.request(Sample.user(), "s3:GetObject", "arn:aws:s3:::b/\(key)")).isAllowed)
    }

    @Test func `what is too large or too deep is refused`() {
        let deep = String(repeating: "[", count: 10_000)
        for text in ["{\"Statement\":\(deep)", "{\"Statement\":" + String(repeating: "{\"a\":", count: 3000)] {
            #expect(throws: PolicyError.notJSON) { try PolicyDocument(parsing: Array(text.utf8), use: .identity) }
        }
        let large = "{" + String(repeating: " ", count: PolicyDocument.bytesMax)
        #expect(throws: PolicyError.tooLarge) { try PolicyDocument(parsing: Array(large.utf8), use: .identity) }
    }
}
