/// Typed reading of query parameters, with AWS's refusals.
extension RequestTarget {
    /// A page size such as max-keys: 0 to 2^31 - 1, cut to 1,000. An empty value is as if it were not there.
    package func pageSize(_ name: StaticString, default standard: Int = 1000) throws(S3Error) -> Int {
        min(try number(name) ?? standard, 1000)
    }

    /// A number from 0 to 2^31 - 1 such as part-number-marker.
    package func number(_ name: StaticString) throws(S3Error) -> Int? {
        guard let text = string(name), !text.isEmpty else { return nil }
        guard let value = Int32(text) else {
            throw .invalidArgument(
                "Provided \(name) not an integer or within integer range", name: name.description, value: text)
        }
        guard value >= 0 else {
            throw .invalidArgument(
                "Argument \(name) must be an integer between 0 and 2147483647", name: name.description, value: text)
        }
        return Int(value)
    }

    /// partNumber, 1 to 10,000.
    package func partNumber() throws(S3Error) -> Int? {
        guard let text = string("partNumber") else { return nil }
        guard let value = Int(text), (1...10_000).contains(value) else {
            throw .invalidArgument(
                "Part number must be an integer between 1 and 10000, inclusive", name: "partNumber", value: text)
        }
        return value
    }

    /// list-type: 2, where a listing has one at all.
    package func checkListType() throws(S3Error) {
        guard let text = string("list-type"), text != "2" else { return }
        throw .invalidArgument("Invalid List Type specified in Request", name: "list-type", value: text)
    }

    /// encoding-type: true for `url`.
    package func wantsURLEncoding() throws(S3Error) -> Bool {
        guard let text = string("encoding-type") else { return false }
        guard text == "url" else {
            throw .invalidArgument("Invalid Encoding Method specified in Request", name: "encoding-type", value: text)
        }
        return true
    }
}
