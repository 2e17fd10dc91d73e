import Base
import Objects

/// What an operation answers: status, fields in order, and at most one body.
struct Answer {
    enum Body {
        case none
        case xml([UInt8])
        case bytes([UInt8])
        /// Sent as it is read; `count` bytes in all.
        case object(ObjectReader, count: Int64)
        /// A file of an archive, expanded while it is sent.
        case expanded(ExpandedMember, count: Int64)
        /// The fields of a body of this length, without it: HEAD.
        case withheld(count: Int64)
    }
    struct Field {
        var name: String
        var value: String
    }

    var status: Int
    var fields: [Field] = []
    var body: Body = .none

    init(_ status: Int, body: Body = .none) {
        self.status = status
        self.body = body
    }

    mutating func set(_ name: String, _ value: String?) {
        if let value { fields.append(Field(name: name, value: value)) }
    }

    func with(_ name: String, _ value: String?) -> Answer {
        var copy = self
        copy.set(name, value)
        return copy
    }

    /// The size of a whole object that is answered with.
    var objectBytes: Int64? {
        guard status == 200 else { return nil }
        switch body {
        case .object(_, let count), .expanded(_, let count), .withheld(let count): return count
        case .none, .xml, .bytes: return nil
        }
    }

    static func xml(_ bytes: [UInt8], status: Int = 200) -> Answer { Answer(status, body: .xml(bytes)) }
}
