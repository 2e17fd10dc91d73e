import Base
import Objects

/// Tenants: made, listed, limited, suspended and deleted by the server's operator. Not calls of AWS's.
extension IAM {
    package static let tenantActions: Set<String> = [
        "MartletCreateTenant", "MartletListTenants", "MartletGetTenant", "MartletUpdateTenant", "MartletDeleteTenant",
    ]
    private static let hostsMax = 100

    package func performOnTenants(_ call: QueryCall) async throws(IdentityError) -> [AnswerElement] {
        switch call.action {
        case "MartletCreateTenant": return try await createTenant(call)
        case "MartletGetTenant":
            let tenant = try Self.tenant(call, in: store.state)
            return [.group("Tenant", describe(tenant) + (try await usage(of: tenant)))]
        case "MartletUpdateTenant": return try await updateTenant(call)
        case "MartletDeleteTenant": return try await deleteTenant(call)
        default:
            let tenants = store.state.tenants.values.sorted { $0.name < $1.name }
            let page = try call.page(tenants) { $0.name }
            return [.list("Tenants", page.items.map(describe))] + page.end
        }
    }

    /// The tenant that a parameter names; the default one when it is absent.
    package static func tenant(
        _ call: QueryCall, _ parameter: String = "Tenant", in state: IdentityState
    ) throws(IdentityError) -> TenantInfo {
        guard let name = call[parameter], !name.isEmpty else { return state.tenants[.default] ?? .default }
        guard let tenant = state.tenant(named: name) else {
            throw .noSuchEntity("The tenant \(name) cannot be found.")
        }
        return tenant
    }

    // MARK: Answers

    private func describe(_ tenant: TenantInfo) -> [AnswerElement] {
        let accounts = store.state.accounts.values.filter { $0.tenant == tenant.id }
        var elements: [AnswerElement] = [
            .text("Name", tenant.name), .text("Id", String(tenant.id.rawValue)),
            .text("Status", tenant.isActive ? "Active" : "Suspended"), .texts("Hosts", tenant.hosts),
            .text("CreateDate", DateForm.text(tenant.created)), .text("Accounts", String(accounts.count)),
        ]
        elements += AnswerElement.optional("RootAccount", tenant.rootAccount.isEmpty ? nil : tenant.rootAccount)
        return elements + Self.describe(tenant.limits.total, "") + Self.describe(tenant.limits.perAccount, "User")
    }

    private static func describe(_ limits: ResourceLimits, _ prefix: String) -> [AnswerElement] {
        [("Bytes", limits.bytes), ("Objects", limits.objects), ("Buckets", limits.buckets)]
            .flatMap { AnswerElement.optional(prefix + $0.0, $0.1.map(String.init)) }
    }

    private func usage(of tenant: TenantInfo) async throws(IdentityError) -> [AnswerElement] {
        let usage = try await store.usage(tenant: tenant.id), state = store.state
        func describe(_ part: TenantUsage.Part) -> [AnswerElement] {
            [
                .text("UsedBytes", String(part.counter.bytes)), .text("UsedObjects", String(part.counter.versions)),
                .text("UsedBuckets", String(part.buckets)),
            ]
        }
        let users = usage.owners.map { owner in
            [
                AnswerElement.text("Account", state.account(canonicalID: owner.id)?.name ?? ""), .text("Id", owner.id),
            ] + describe(owner.part)
        }
        return describe(usage.total) + [.list("Usage", users)]
    }

    // MARK: Making and changing

    private func createTenant(_ call: QueryCall) async throws(IdentityError) -> [AnswerElement] {
        let name = try call.required("Name")
        guard Self.isTenantName(name) else {
            throw .invalid(
                "Name needs 1 to 63 lower-case letters, digits and hyphens, a letter or digit first and last")
        }
        var tenant = TenantInfo(id: TenantInfo.id(of: name), name: name)
        tenant.created = store.time.now()
        tenant.hosts = try Self.hosts(call) ?? []
        try Self.change(&tenant.limits, call)
        // Of several accounts of one name each is in a tenant of its own.
        var (account, secret) = try newAccount(call, name: call["AccountName"] ?? name)
        account.tenant = tenant.id
        tenant.rootAccount = account.number
        let (made, root) = (tenant, account)
        try await store.change { edit throws(IdentityError) in
            guard edit.state.tenant(named: name) == nil else { throw .alreadyExists("A tenant with name \(name)") }
            guard edit.state.tenants[made.id] == nil else {
                throw .invalidInput("The name \(name) stands for the number of another tenant: choose another name.")
            }
            try Self.checkHosts(made, edit.state)
            try Self.checkIsNew(root, edit.state)
            edit.put(made)
            edit.put(root)
        }
        // It may have been deleted since the start.
        await store.reopenTenant(made.id)
        return [
            .group(
                "Tenant",
                describe(made) + [
                    .group("Account", Self.describe(root, in: store.state) + [.text("SecretKey", secret)])
                ])
        ]
    }

    private func updateTenant(_ call: QueryCall) async throws(IdentityError) -> [AnswerElement] {
        let status = call["Status"], hosts = try Self.hosts(call)
        _ = try call.required("Tenant")
        if let status, status != "Active", status != "Suspended" {
            throw .invalid("Status must be Active or Suspended")
        }
        let changed = try await store.change { edit throws(IdentityError) -> TenantInfo in
            var tenant = try Self.tenant(call, in: edit.state)
            if let hosts { tenant.hosts = hosts }
            try Self.change(&tenant.limits, call)
            if let status {
                guard tenant.id != .default || status == "Active" else {
                    throw .invalidInput("The default tenant is the operator's own and can't be suspended.")
                }
                tenant.isActive = status == "Active"
            }
            try Self.checkHosts(tenant, edit.state)
            edit.put(tenant)
            return tenant
        }
        // Of one whose deletion was begun and did not end.
        if changed.isActive { await store.reopenTenant(changed.id) }
        return [.group("Tenant", describe(changed))]
    }

    /// Suspends the tenant, so that nothing comes meanwhile, then takes its accounts away, and itself last. One with buckets stays as
    /// it is.
    private func deleteTenant(_ call: QueryCall) async throws(IdentityError) -> [AnswerElement] {
        _ = try call.required("Tenant")
        let tenant = try Self.tenant(call, in: store.state)
        guard tenant.id != .default else {
            throw .invalidInput("The default tenant is the operator's own and can't be deleted.")
        }
        guard await store.closeTenant(tenant.id) else {
            let names = store.buckets(in: tenant.id)
            throw IdentityError(
                "DeleteConflict", 409,
                names.isEmpty
                    ? "The tenant is making a bucket: suspend it first."
                    : "The tenant has buckets (\(names.joined(separator: ", "))): delete them first, or suspend the tenant."
            )
        }
        do throws(IdentityError) {
            try await store.change { edit throws(IdentityError) in
                guard var found = edit.state.tenants[tenant.id], found.created == tenant.created else {
                    throw .conflict
                }
                found.isActive = false
                edit.put(found)
            }
        } catch {
            await store.reopenTenant(tenant.id)
            throw error
        }
        while true {
            // Accounts may have been made since the last look, and a tenant of the name after another call deleted this one.
            let left = try await store.change { edit throws(IdentityError) -> [String] in
                guard edit.state.tenants[tenant.id]?.created == tenant.created else { return [] }
                let accounts = edit.state.accounts.values.filter { $0.tenant == tenant.id }.map(\.number).sorted()
                if accounts.isEmpty { edit.deleteTenant(tenant.id) }
                return accounts
            }
            if left.isEmpty { return [] }
            for account in left { try await purge(account) }
        }
    }

    // MARK: What is given

    private static func isTenantName(_ name: String) -> Bool {
        (1...63).contains(name.utf8.count) && isLabel(name)
    }

    /// Of a host name, and in lower case.
    private static func isLabel(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 63 else { return false }
        let hyphen = UInt8(ascii: "-")
        return first != hyphen && last != hyphen
            && bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == hyphen }
    }

    /// nil: not said. `Hosts` alone, without members, says none.
    private static func hosts(_ call: QueryCall) throws(IdentityError) -> [String]? {
        let given = call.list("Hosts")
        guard !given.isEmpty || call["Hosts"] != nil else { return nil }
        guard given.count <= hostsMax else { throw .limitExceeded("A tenant has at most \(hostsMax) host names.") }
        var hosts: [String] = []
        for text in given {
            let name = text.lowercased()
            guard (1...253).contains(name.utf8.count),
                name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isLabel)
            else { throw .invalid("\(text) is not a host name: letters, digits, hyphens and dots, without a port") }
            if !hosts.contains(name) { hosts.append(name) }
        }
        return hosts
    }

    private static func checkHosts(_ tenant: TenantInfo, _ state: IdentityState) throws(IdentityError) {
        for other in state.tenants.values.sorted(by: { $0.name < $1.name }) where other.id != tenant.id {
            for host in tenant.hosts where other.hosts.contains(host) {
                throw .alreadyExists("The host name \(host) of tenant \(other.name)")
            }
        }
    }

    /// What the call does not name stays; an empty value or `none` takes a limit away.
    private static func change(_ limits: inout TenantLimits, _ call: QueryCall) throws(IdentityError) {
        limits.total.bytes = try limit(call, "Bytes", limits.total.bytes)
        limits.total.objects = try limit(call, "Objects", limits.total.objects)
        limits.total.buckets = try limit(call, "Buckets", limits.total.buckets)
        limits.perAccount.bytes = try limit(call, "UserBytes", limits.perAccount.bytes)
        limits.perAccount.objects = try limit(call, "UserObjects", limits.perAccount.objects)
        limits.perAccount.buckets = try limit(call, "UserBuckets", limits.perAccount.buckets)
    }

    private static func limit(_ call: QueryCall, _ name: String, _ current: Int64?) throws(IdentityError) -> Int64? {
        guard let text = call[name] else { return current }
        if text.isEmpty || text == "none" { return nil }
        guard let value = Int64(text), value >= 0 else {
            throw .invalid("\(name) is \(text); it must be a whole number from 0, or none")
        }
        return value
    }
}
