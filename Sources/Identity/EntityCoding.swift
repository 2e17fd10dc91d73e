import AccessPolicy
import Base
import Objects

/// What is stored of identities: one sealed JSON document for each tenant, account, user, group, role and policy. Docs/formats/identities.md.
package enum StoredEntity: Hashable, Sendable {
    case tenant(TenantInfo)
    case account(Account)
    case holder(account: String, Holder)
    case policy(account: String, ManagedPolicy)
    case provider(account: String, OpenIDConnectProvider)
    /// A directory's entry, by canonical name, and the policies that it has.
    case entry(account: String, name: String, policies: [String])

    /// The key within the space of identities: kind, account number, name.
    package var name: [UInt8] {
        switch self {
        case .tenant(let tenant): Self.name(of: tenant.id)
        case .account(let account): Self.name(of: "A", account.number, "")
        case .holder(let account, let holder): Self.name(of: holder.kind.rawValue, account, holder.name.lowercased())
        case .policy(let account, let policy): Self.name(of: "P", account, policy.name)
        case .provider(let account, let provider): Self.name(of: "O", account, provider.name)
        case .entry(let account, let name, _): Self.name(of: "D", account, name)
        }
    }

    static func name(of tenant: TenantID) -> [UInt8] { name(of: "T", String(tenant.rawValue), "") }

    static func name(of kind: String, _ account: String, _ name: String) -> [UInt8] {
        Array("\(kind)/\(account)/\(name)".utf8)
    }

    package var encoded: [UInt8] { Array(json.encoded.utf8) }

    private var json: JSONValue {
        switch self {
        case .tenant(let tenant):
            return .object([
                .init("type", .string("tenant")), .init("id", .number(String(tenant.id.rawValue))),
                .init("name", .string(tenant.name)), .init("root", .string(tenant.rootAccount)),
                .init("hosts", .array(tenant.hosts.map { .string($0) })), .init("active", .bool(tenant.isActive)),
                .init("created", Self.time(tenant.created)), .init("limits", Self.json(tenant.limits.total)),
                .init("userLimits", Self.json(tenant.limits.perAccount)),
            ])
        case .account(let account):
            return .object([
                .init("type", .string("account")), .init("tenant", .number(String(account.tenant.rawValue))),
                .init("number", .string(account.number)),
                .init("id", .string(account.canonicalID)), .init("name", .string(account.name)),
                .init("displayName", .string(account.displayName)),
                .init("email", account.email.map { .string($0) } ?? .null),
                .init("alias", account.alias.map { .string($0) } ?? .null),
                .init("active", .bool(account.isActive)),
                .init("created", Self.time(account.created)),
                .init("keys", .array(account.keys.filter { !$0.isConfigured }.map(Self.json))),
            ])
        case .holder(let account, let holder):
            return .object([
                .init("type", .string(holder.kind.rawValue)), .init("account", .string(account)),
                .init("name", .string(holder.name)), .init("path", .string(holder.path)),
                .init("id", .string(holder.id)),
                .init("created", Self.time(holder.created)),
                .init(
                    "inline",
                    .object(
                        holder.inline.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) })),
                .init("attached", .array(holder.attached.map { .string($0) })),
                .init("boundary", holder.boundary.map { .string($0) } ?? .null),
                .init("tags", Self.json(holder.tags)),
                .init("keys", .array(holder.keys.map(Self.json))),
                .init("members", .array(holder.members.map { .string($0) })), .init("trust", .string(holder.trust)),
                .init("summary", .string(holder.summary)), .init("session", .number(String(holder.sessionSecondsMax))),
            ])
        case .policy(let account, let policy):
            return .object([
                .init("type", .string("policy")), .init("account", .string(account)),
                .init("name", .string(policy.name)), .init("path", .string(policy.path)),
                .init("id", .string(policy.id)),
                .init("created", Self.time(policy.created)), .init("updated", Self.time(policy.updated)),
                .init("summary", .string(policy.summary)), .init("tags", Self.json(policy.tags)),
                .init(
                    "versions",
                    .array(
                        policy.versions.map { version in
                            .object([
                                .init("number", .number(String(version.number))),
                                .init("document", .string(version.document)),
                                .init("created", Self.time(version.created)),
                            ])
                        })),
                .init("current", .number(String(policy.current))), .init("last", .number(String(policy.last))),
            ])
        case .provider(let account, let provider):
            return .object([
                .init("type", .string("provider")), .init("account", .string(account)),
                .init("url", .string(provider.url)), .init("clients", .array(provider.clients.map { .string($0) })),
                .init("thumbprints", .array(provider.thumbprints.map { .string($0) })),
                .init("created", Self.time(provider.created)),
                .init(
                    "tags",
                    .object(
                        provider.tags.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) })),
            ])
        case .entry(let account, let name, let policies):
            return .object([
                .init("type", .string("entry")), .init("account", .string(account)), .init("name", .string(name)),
                .init("policies", .array(policies.map { .string($0) })),
            ])
        }
    }

    private static func json(_ limits: ResourceLimits) -> JSONValue {
        func number(_ value: Int64?) -> JSONValue { value.map { .number(String($0)) } ?? .null }
        return .object([
            .init("bytes", number(limits.bytes)), .init("objects", number(limits.objects)),
            .init("buckets", number(limits.buckets)),
        ])
    }

    private static func json(_ tags: [IdentityTag]) -> JSONValue {
        .array(tags.map { .array([.string($0.key), .string($0.value)]) })
    }

    private static func time(_ time: Timestamp) -> JSONValue { .number(String(time.nanoseconds)) }

    private static func json(_ key: AccessKey) -> JSONValue {
        .object([
            .init("id", .string(key.id)), .init("secret", .string(key.secret)), .init("active", .bool(key.isActive)),
            .init("created", time(key.created)),
        ])
    }
}

extension StoredEntity {
    /// nil when the bytes are not such a document.
    package init?(decoding bytes: [UInt8]) {
        // nil says that it is damaged.
        guard let root = try? JSONReader.parse(bytes), let type = root["type"]?.text else {
            return nil
        }
        let reader = Reader(root: root)
        switch type {
        case "tenant":
            guard let id = reader.tenant("id"), let name = reader.text("name"), let account = reader.text("root"),
                let hosts = reader.texts("hosts"), case .bool(let isActive)? = root["active"],
                let created = reader.time("created"), let total = reader.limits("limits"),
                let perAccount = reader.limits("userLimits")
            else { return nil }
            var tenant = TenantInfo(id: id, name: name)
            (tenant.rootAccount, tenant.hosts, tenant.isActive) = (account, hosts, isActive)
            (tenant.created, tenant.limits.total, tenant.limits.perAccount) = (created, total, perAccount)
            self = .tenant(tenant)
        case "account":
            guard let tenant = reader.tenant("tenant"), let number = reader.text("number"), let id = reader.text("id"),
                let name = reader.text("name"), let displayName = reader.text("displayName"), let keys = reader.keys,
                let created = reader.time("created"), case .bool(let isActive)? = root["active"]
            else { return nil }
            var account = Account(
                number: number, canonicalID: id, displayName: displayName, email: reader.text("email"), name: name)
            (account.keys, account.created) = (keys, created)
            (account.tenant, account.alias, account.isActive) = (tenant, reader.text("alias"), isActive)
            self = .account(account)
        case "policy":
            guard let account = reader.text("account"), let name = reader.text("name"), let path = reader.text("path"),
                let id = reader.text("id"), let created = reader.time("created"), let updated = reader.time("updated"),
                let summary = reader.text("summary"), let tags = reader.tags, let versions = reader.versions,
                let current = reader.number("current"), let last = reader.number("last"),
                versions.contains(where: { $0.number == current })
            else { return nil }
            var policy = ManagedPolicy(name: name, id: id, created: created, document: "")
            (policy.path, policy.updated, policy.summary, policy.tags) = (path, updated, summary, tags)
            (policy.versions, policy.current, policy.last) = (versions, current, last)
            self = .policy(account: account, policy)
        case "provider":
            guard let account = reader.text("account"), let url = reader.text("url"),
                let clients = reader.texts("clients"), let thumbprints = reader.texts("thumbprints"),
                let created = reader.time("created"), case .object(let tags)? = root["tags"]
            else { return nil }
            var provider = OpenIDConnectProvider(url: url, clients: clients, created: created)
            provider.thumbprints = thumbprints
            for tag in tags { provider.tags[tag.name] = tag.value.text }
            self = .provider(account: account, provider)
        case "entry":
            guard let account = reader.text("account"), let name = reader.text("name"),
                let policies = reader.texts("policies")
            else { return nil }
            self = .entry(account: account, name: name, policies: policies)
        default:
            guard let kind = Holder.Kind(rawValue: type), let account = reader.text("account"),
                let holder = reader.holder(kind)
            else { return nil }
            self = .holder(account: account, holder)
        }
    }

    private struct Reader {
        let root: JSONValue

        func text(_ name: String) -> String? { root[name]?.text }

        func number(_ name: String) -> Int? {
            guard case .number(let text)? = root[name] else { return nil }
            return Int(text)
        }

        func tenant(_ name: String) -> TenantID? {
            number(name).flatMap { UInt32(exactly: $0) }.map { TenantID(rawValue: $0) }
        }

        /// nil when it is not such an object; a limit that is no number is none.
        func limits(_ name: String) -> ResourceLimits? {
            guard let value = root[name], case .object = value else { return nil }
            let reader = Reader(root: value)
            return ResourceLimits(
                bytes: reader.number("bytes").map(Int64.init), objects: reader.number("objects").map(Int64.init),
                buckets: reader.number("buckets").map(Int64.init))
        }

        func time(_ name: String) -> Timestamp? { number(name).map { Timestamp(nanoseconds: Int64($0)) } }

        func texts(_ name: String) -> [String]? {
            guard case .array(let values)? = root[name] else { return nil }
            let texts = values.compactMap(\.text)
            return texts.count == values.count ? texts : nil
        }

        var tags: [IdentityTag]? {
            guard case .array(let values)? = root["tags"] else { return nil }
            var tags: [IdentityTag] = []
            for value in values {
                guard case .array(let pair) = value, pair.count == 2, let key = pair[0].text, let text = pair[1].text
                else { return nil }
                tags.append(IdentityTag(key, text))
            }
            return tags
        }

        var versions: [ManagedPolicy.Version]? {
            guard case .array(let values)? = root["versions"] else { return nil }
            var versions: [ManagedPolicy.Version] = []
            for value in values {
                let reader = Reader(root: value)
                guard let number = reader.number("number"), let document = reader.text("document"),
                    let created = reader.time("created")
                else { return nil }
                versions.append(.init(number: number, document: document, created: created))
            }
            return versions
        }

        var keys: [AccessKey]? {
            guard case .array(let values)? = root["keys"] else { return nil }
            var keys: [AccessKey] = []
            for value in values {
                let reader = Reader(root: value)
                guard let id = reader.text("id"), let secret = reader.text("secret"),
                    let created = reader.time("created"), case .bool(let isActive)? = value["active"]
                else { return nil }
                var key = AccessKey(id: id, secret: secret, created: created)
                key.isActive = isActive
                keys.append(key)
            }
            return keys
        }

        func holder(_ kind: Holder.Kind) -> Holder? {
            guard let name = text("name"), let path = text("path"), let id = text("id"), let created = time("created"),
                case .object(let inline)? = root["inline"], let attached = texts("attached"), let keys,
                let members = texts("members"), let trust = text("trust"), let summary = text("summary"),
                let session = number("session"), let tags
            else { return nil }
            var holder = Holder(kind: kind, name: name, id: id, created: created)
            holder.path = path
            for member in inline {
                guard let document = member.value.text else { return nil }
                holder.inline[member.name] = document
            }
            (holder.attached, holder.boundary, holder.keys) = (attached, text("boundary"), keys)
            (holder.members, holder.trust, holder.summary) = (members, trust, summary)
            (holder.sessionSecondsMax, holder.tags) = (session, tags)
            return holder
        }
    }
}
