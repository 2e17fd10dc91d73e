import Base
import LoadGenerator
import S3Protocol
import Testing

@Suite struct LoadGeneratorTests {
    @Test func `percentiles are within two per cent of the sorted values`() {
        var histogram = LatencyHistogram()
        let values = (1...10_000).map { UInt64($0 * $0) }
        for value in values { histogram.add(value) }
        for share in [0.01, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = Double(values[Int((Double(values.count) * share).rounded(.up)) - 1])
            let found = Double(histogram.percentile(share))
            #expect(found >= exact * 0.98 && found <= exact * 1.02 + 64, "\(share): \(found) for \(exact)")
        }
        #expect(histogram.count == 10_000)
        #expect(histogram.largest == 100_000_000)
    }

    @Test func `histograms add up`() {
        var first = LatencyHistogram(), second = LatencyHistogram()
        first.add(1_000_000)
        second.add(3_000_000)
        first.add(second)
        #expect(first.count == 2)
        #expect(first.mean == 2_000_000)
        #expect(first.largest == 3_000_000)
    }

    /// The general signer is the reference.
    @Test func `a prepared signature is the one that the general signer makes`() throws {
        let signer = RequestSigner(accessKey: "key", secretKey: "secret", region: "us-east-1")
        let time = Timestamp(seconds: 1_700_000_000)
        let requests = PresignedRequests(signer, host: "127.0.0.1:9000", at: time)
        for (target, query) in [("/bucket/a/b", ""), ("/bucket", "delimiter=%2F&list-type=2&prefix=perf%2F")] {
            var bytes: [UInt8] = []
            requests.write(method: "GET", path: target, query: query, to: &bytes)
            let full = query.isEmpty ? target : target + "?" + query
            let expected = try signer.presign(
                method: "GET", target: full, host: "127.0.0.1:9000", expiresSeconds: 86400, at: time)
            func signature(_ text: String) -> Substring? {
                text.firstRange(of: "X-Amz-Signature=").map { text[$0.upperBound...].prefix(64) }
            }
            let found = String(decoding: bytes, as: UTF8.self)
            #expect(signature(found) != nil && signature(found) == signature(expected))
        }
    }
}
