import Base
import ObjectFormat
import S3Protocol

/// Reads access control lists out of requests: canned, as grant headers, or as a document.
struct GrantReader {
    let accounts: any AccountDirectory

    private static let headers: [(name: StaticString, permission: AccessGrant.Permission)] = [
        ("x-amz-grant-read", .read), ("x-amz-grant-write", .write), ("x-amz-grant-read-acp", .readACP),
        ("x-amz-grant-write-acp", .writeACP), ("x-amz-grant-full-control", .fullControl),
    ]

    static func hasGrantHeaders(_ head: RequestHead) -> Bool {
        headers.contains { head.first($0.name) != nil }
    }

    /// The list that the headers ask for; nil when they ask for none.
    func headerList(_ head: RequestHead, owner: String, bucketOwner: String) throws(S3Error) -> AccessControlList? {
        let canned = try CannedACL.parse(head)
        let isExplicit = Self.hasGrantHeaders(head)
        if canned != nil, isExplicit {
            throw S3Error(.invalidRequest, "Specifying both Canned ACLs and Header Grants is not allowed")
        }
        if let canned {
            return AccessControlList(owner: owner, grants: canned.grants(owner: owner, bucketOwner: bucketOwner))
        }
        guard isExplicit else { return nil }
        var grants: [AccessGrant] = []
        for header in Self.headers {
            guard let text = head.value(header.name) else { continue }
            for grantee in try grantees(text, header: "\(header.name)") {
                grants.append(AccessGrant(grantee, header.permission))
            }
        }
        guard grants.count <= AccessGrant.listMax else { throw S3Error(.malformedACLError) }
        return AccessControlList(owner: owner, grants: grants)
    }

    /// `id="…", emailAddress="…", uri="…"`; the quotes may be left out.
    private func grantees(_ text: String, header: String) throws(S3Error) -> [AccessGrant.Grantee] {
        var grantees: [AccessGrant.Grantee] = []
        for piece in text.split(separator: ",") {
            let parts = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw .invalidArgument("Argument format not recognized", name: header, value: text)
            }
            let kind = Self.trimmed(parts[0]).lowercased()
            var value = Self.trimmed(parts[1])
            if value.count >= 2, let quote = value.first, quote == "\"" || quote == "'", value.last == quote {
                value = String(value.dropFirst().dropLast())
            }
            switch kind {
            case "id": grantees.append(try account(value, name: "id"))
            case "uri", "url": grantees.append(try group(value, name: "uri"))
            case "emailaddress": grantees.append(try mailbox(value))
            default: throw .invalidArgument("Argument format not recognized", name: header, value: text)
            }
        }
        guard !grantees.isEmpty else {
            throw .invalidArgument("Argument format not recognized", name: header, value: text)
        }
        return grantees
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }

    // MARK: The document

    /// An AccessControlPolicy document: its list, and the owner that it names.
    func document(_ body: [UInt8]) throws(S3Error) -> AccessControlList {
        let root: XMLElement
        do throws(S3Error) { root = try XMLReader.parse(body) } catch {
            throw error.code == .missingRequestBodyError ? error : S3Error(.malformedACLError)
        }
        do throws(S3Error) {
            try root.expect("AccessControlPolicy", children: ["Owner", "AccessControlList"])
            guard let owner = try root.child("Owner"), let ownerID = try owner.trimmed("ID"), !ownerID.isEmpty,
                let list = try root.child("AccessControlList")
            else { throw S3Error(.malformedACLError) }
            var grants: [AccessGrant] = []
            for element in list.children { grants.append(try grant(element)) }
            guard grants.count <= AccessGrant.listMax else { throw S3Error(.malformedACLError) }
            return AccessControlList(owner: ownerID, grants: grants)
        } catch {
            // A document that breaks the schema has a code of its own here.
            throw error.code == .malformedXML ? S3Error(.malformedACLError) : error
        }
    }

    private func grant(_ element: XMLElement) throws(S3Error) -> AccessGrant {
        try element.expect("Grant", children: ["Grantee", "Permission"])
        guard let grantee = try element.child("Grantee"),
            let permission = try element.trimmed("Permission").flatMap(AccessGrant.Permission.init(s3Name:))
        else { throw S3Error(.malformedACLError) }
        // The kind is what the attribute says, and the content has to be of that kind.
        switch grantee.type {
        case "CanonicalUser":
            try grantee.expect("Grantee", children: ["ID", "DisplayName"])
            let id = try grantee.trimmed("ID") ?? ""
            guard !id.isEmpty else { throw S3Error(.malformedACLError) }
            return AccessGrant(try account(id, name: "CanonicalUser/ID"), permission)
        case "Group":
            try grantee.expect("Grantee", children: ["URI"])
            return AccessGrant(try group(try grantee.required("URI"), name: "Group/URI"), permission)
        case "AmazonCustomerByEmail":
            try grantee.expect("Grantee", children: ["EmailAddress"])
            return AccessGrant(try mailbox(try grantee.required("EmailAddress")), permission)
        default: throw S3Error(.malformedACLError)
        }
    }

    // MARK: Grantees

    private func account(_ id: String, name: String) throws(S3Error) -> AccessGrant.Grantee {
        guard let found = accounts.account(canonicalID: id) else {
            throw .invalidArgument("Invalid id", name: name, value: id)
        }
        return .account(found.canonicalID)
    }

    private func group(_ uri: String, name: String) throws(S3Error) -> AccessGrant.Grantee {
        guard let group = AccessGrant.Grantee(groupURI: uri) else {
            throw .invalidArgument("Invalid group uri", name: name, value: uri)
        }
        return group
    }

    private func mailbox(_ email: String) throws(S3Error) -> AccessGrant.Grantee {
        let found = accounts.accounts(email: email)
        guard found.count <= 1 else { throw S3Error(.ambiguousGrantByEmailAddress) }
        guard let account = found.first else { throw S3Error(.unresolvableGrantByEmailAddress) }
        return .account(account.canonicalID)
    }
}

extension XMLWriter {
    /// An AccessControlPolicy document, with the display names that the accounts have now.
    mutating func accessControlPolicy(_ list: AccessControlList, _ accounts: any AccountDirectory) {
        openRoot("AccessControlPolicy")
        open("Owner")
        element("ID", list.owner)
        element(ifPresent: "DisplayName", accounts.account(canonicalID: list.owner)?.displayName)
        close("Owner")
        open("AccessControlList")
        for grant in list.grants {
            open("Grant")
            if case .account(let id) = grant.grantee {
                raw("<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">")
                element("ID", id)
                element(ifPresent: "DisplayName", accounts.account(canonicalID: id)?.displayName)
            } else {
                raw("<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">")
                element("URI", grant.grantee.groupURI ?? "")
            }
            close("Grantee")
            element("Permission", grant.permission.s3Name)
            close("Grant")
        }
        close("AccessControlList")
        close("AccessControlPolicy")
    }
}
