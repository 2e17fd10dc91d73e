/// One line of an access control list. Grantees are canonical ids, whatever the client named them by.
package struct AccessGrant: Hashable, Sendable {
    package enum Grantee: Hashable, Sendable {
        case account(String)
        case allUsers
        case authenticatedUsers
        case logDelivery
    }

    package enum Permission: UInt8, CaseIterable, Sendable {
        case read = 1
        case write = 2
        case readACP = 3
        case writeACP = 4
        case fullControl = 5
    }

    package var grantee: Grantee
    package var permission: Permission

    package init(_ grantee: Grantee, _ permission: Permission) {
        self.grantee = grantee
        self.permission = permission
    }

    /// S3's limit for one list.
    package static let listMax = 100
}

/// Lists of grants in version and upload records. Docs/formats/records.md.
enum GrantCoding {
    private static let textBytesMax = 256

    static func write(_ grants: [AccessGrant], to out: inout ByteWriter) {
        out.varint(grants.count)
        for grant in grants {
            out.byte(grant.permission.rawValue)
            switch grant.grantee {
            case .account(let id):
                out.byte(1)
                out.text(id)
            case .allUsers: out.byte(2)
            case .authenticatedUsers: out.byte(3)
            case .logDelivery: out.byte(4)
            }
        }
    }

    static func grants(_ reader: inout ByteReader) throws(FormatError) -> [AccessGrant] {
        let count = try reader.count(itemBytes: 2)
        guard count <= AccessGrant.listMax else { throw .invalid("grants") }
        var grants: [AccessGrant] = []
        for _ in 0..<count {
            guard let permission = AccessGrant.Permission(rawValue: try reader.byte()) else {
                throw .invalid("permission")
            }
            let grantee: AccessGrant.Grantee
            switch try reader.byte() {
            case 1:
                let id = try reader.text()
                guard !id.isEmpty, id.utf8.count <= textBytesMax else { throw .invalid("grantee") }
                grantee = .account(id)
            case 2: grantee = .allUsers
            case 3: grantee = .authenticatedUsers
            case 4: grantee = .logDelivery
            default: throw .invalid("grantee")
            }
            grants.append(AccessGrant(grantee, permission))
        }
        return grants
    }
}
