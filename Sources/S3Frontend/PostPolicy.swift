import AccessPolicy
import Base
import Digests
import S3Protocol

/// The policy of an upload form: until when it holds, and what each field must be.
struct PostPolicy {
    private enum Match {
        case equals(String)
        case startsWith(String)

        func holds(_ value: String) -> Bool {
            switch self {
            case .equals(let wanted): value == wanted
            case .startsWith(let prefix): value.utf8.starts(with: prefix.utf8)
            }
        }
    }

    private struct Condition {
        /// In lower case, without the dollar sign.
        var field: String
        var match: Match
        /// As it is shown when it fails.
        var text: String
    }

    private let expiration: Timestamp
    private var conditions: [Condition] = []
    /// Bytes that the file may have.
    private(set) var lengths: ClosedRange<Int64>?

    /// From the base64 text that is signed.
    init(parsing text: [UInt8]) throws(S3Error) {
        // A form's author may have broken the text into lines.
        let packed = text.filter { $0 != 0x0A && $0 != 0x0D && $0 != 0x20 }
        guard let bytes = Base64.decode(packed),
            let root = try? JSONReader.parse(bytes, bytesMax: 64 << 10),  // Told below as what it is.
            case .object = root
        else { throw Self.invalid("Invalid JSON.") }
        guard let expiration = root["expiration"]?.text else { throw Self.invalid("Policy missing expiration.") }
        guard let time = ISO8601.parse(expiration) else {
            throw Self.invalid("Invalid 'expiration' value: '\(expiration)'")
        }
        self.expiration = time
        guard case .array(let list)? = root["conditions"] else { throw Self.invalid("Policy missing conditions.") }
        for value in list {
            switch value {
            case .object(let members):
                guard members.count == 1 else {
                    throw Self.invalid(
                        "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
                }
                for member in members {
                    guard let wanted = member.value.text else {
                        throw Self.invalid("Invalid Simple-Condition: value must be a string.")
                    }
                    conditions.append(
                        Condition(
                            field: member.name.lowercased(), match: .equals(wanted),
                            text: "[\"eq\", \"$\(member.name)\", \"\(wanted)\"]"))
                }
            case .array(let items): try add(items)
            default: throw Self.invalid("Invalid condition.")
            }
        }
    }

    private mutating func add(_ items: [JSONValue]) throws(S3Error) {
        guard items.count == 3, let kind = items[0].text else {
            throw Self.invalid("Invalid condition: three values are needed.")
        }
        if kind.lowercased() == "content-length-range" {
            guard let low = Self.integer(items[1]), let high = Self.integer(items[2]), low >= 0, low <= high else {
                throw Self.invalid("Invalid content-length-range.")
            }
            lengths = low...high
            return
        }
        guard let field = items[1].text, field.hasPrefix("$"), let wanted = items[2].text else {
            throw Self.invalid("Invalid condition: a field and a string are needed.")
        }
        let name = field.dropFirst().lowercased(), text = "[\"\(kind)\", \"\(field)\", \"\(wanted)\"]"
        switch kind.lowercased() {
        case "eq": conditions.append(Condition(field: name, match: .equals(wanted), text: text))
        case "starts-with": conditions.append(Condition(field: name, match: .startsWith(wanted), text: text))
        default: throw Self.invalid("Invalid condition: unknown operation '\(kind)'.")
        }
    }

    private static func integer(_ value: JSONValue) -> Int64? {
        switch value {
        case .number(let text), .string(let text): Int64(text)
        default: nil
        }
    }

    private static func invalid(_ why: String) -> S3Error { S3Error(.invalidPolicyDocument, "Invalid Policy: " + why) }

    private static func refused(_ why: String) -> S3Error {
        S3Error(.accessDenied, "Invalid according to Policy: " + why)
    }

    /// Every field must be spoken of, and every condition must hold. The bucket counts as a field.
    func check(_ form: FormFields, bucket: String, now: Timestamp) throws(S3Error) {
        guard now < expiration else { throw Self.refused("Policy expired.") }
        for condition in conditions {
            let value = condition.field == "bucket" ? bucket : form[condition.field] ?? ""
            guard condition.match.holds(value) else {
                throw Self.refused("Policy Condition failed: \(condition.text)")
            }
        }
        let spoken = Set(conditions.map(\.field))
        for name in form.fields.map(\.name) + ["bucket"] {
            guard !spoken.contains(name), !Self.free.contains(name), !name.hasPrefix("x-ignore-") else { continue }
            throw Self.refused("Extra input fields: \(name)")
        }
    }

    private static let free: Set<String> = ["x-amz-signature", "signature", "awsaccesskeyid", "policy", "file"]
}
