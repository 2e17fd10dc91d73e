import AccessPolicy
import Testing

@Suite struct PatternTests {
    @Test(arguments: [
        ("abc", "abc", true), ("abc", "abd", false), ("abc", "ab", false), ("*", "", true),
        ("*", "anything/at all", true),
        ("a*c", "abbbc", true), ("a*c", "abbbd", false), ("a?c", "abc", true), ("a?c", "ac", false), ("?", "é", true),
        ("??", "é", false), ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxa", false), ("a**b", "ab", true),
        ("", "", true), ("", "x", false), ("a*", "a", true), ("*.txt", "a.txt.txt", true), ("*.txt", "a.txtx", false),
        ("${*}", "*", true), ("${*}", "x", false), ("${?}${$}", "?$", true), ("ABC", "abc", false),
    ])
    func `wildcards fit what they say`(pattern: String, text: String, fits: Bool) {
        #expect(Pattern(pattern).matches(text) == fits)
    }

    @Test func `a hard pattern ends soon`() {
        let pattern = Pattern(String(repeating: "*a", count: 40) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 2000)))
    }

    @Test func `what a variable brings in is literal`() {
        let pattern = Pattern("arn:aws:s3:::home/${aws:username}/*")
        #expect(pattern.matches("arn:aws:s3:::home/al*/x", FactTable(["aws:username": ["al*"]])))
        #expect(!pattern.matches("arn:aws:s3:::home/alice/x", FactTable(["aws:username": ["al*"]])))
    }

    @Test func `a variable without a value fits nothing but its default`() {
        #expect(!Pattern("x${aws:username}").matches("x"))
        #expect(Pattern("x${aws:username, 'nobody'}").matches("xnobody"))
        #expect(!Pattern("x${aws:username}").matches("xa", FactTable(["aws:username": ["a", "b"]])))
    }

    @Test func `policies of 2008 have no variables`() {
        #expect(
            Pattern("${aws:username}", variables: false).matches("${aws:username}", FactTable(["aws:username": ["a"]])))
    }
}
