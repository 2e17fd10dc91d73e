/// Policies that exist in every account.
package enum CannedPolicies {
    private static let all: [(name: String, statement: String)] = [
        ("AdministratorAccess", "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}"),
        ("consoleAdmin", "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}"),
        ("AmazonS3FullAccess", "{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"),
        ("readwrite", "{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"),
        ("AmazonS3ReadOnlyAccess", "{\"Effect\":\"Allow\",\"Action\":[\"s3:Get*\",\"s3:List*\"],\"Resource\":\"*\"}"),
        ("readonly", "{\"Effect\":\"Allow\",\"Action\":[\"s3:Get*\",\"s3:List*\"],\"Resource\":\"*\"}"),
        ("writeonly", "{\"Effect\":\"Allow\",\"Action\":\"s3:PutObject\",\"Resource\":\"*\"}"),
        (
            "diagnostics",
            "{\"Effect\":\"Allow\",\"Action\":[\"admin:ServerTrace\",\"admin:Profiling\",\"admin:ConsoleLog\",\"admin:ServerInfo\","
                + "\"admin:TopLocksInfo\",\"admin:OBDInfo\",\"admin:BandwidthMonitor\",\"admin:Prometheus\"],\"Resource\":\"*\"}"
        ),
        ("IAMFullAccess", "{\"Effect\":\"Allow\",\"Action\":\"iam:*\",\"Resource\":\"*\"}"),
        ("IAMReadOnlyAccess", "{\"Effect\":\"Allow\",\"Action\":[\"iam:Get*\",\"iam:List*\"],\"Resource\":\"*\"}"),
    ]

    package static let names = all.map(\.name)
    package static let arnPrefix = "arn:aws:iam::aws:policy/"

    package static func document(arn: String) -> String? {
        guard arn.hasPrefix(arnPrefix) else { return nil }
        let name = arn.dropFirst(arnPrefix.count)
        guard let found = all.first(where: { $0.name == name }) else { return nil }
        return "{\"Version\":\"2012-10-17\",\"Statement\":[\(found.statement)]}"
    }
}
