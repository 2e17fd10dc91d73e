import Base

/// OpenID Connect providers of an account, and policies of a directory's entries.
extension IAM {
    private static let providersMax = 100
    private static let clientsMax = 100

    /// nil when the call is about something else.
    func performOnFederation(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement]? {
        switch call.action {
        case "CreateOpenIDConnectProvider": return try await createProvider(call, caller)
        case "GetOpenIDConnectProvider": return try getProvider(call, caller)
        case "ListOpenIDConnectProviders":
            let account = try account(caller)
            let providers = account.openIDProviders.values.sorted { $0.name < $1.name }
            return [.list("OpenIDConnectProviderList", providers.map { [.text("Arn", account.arn(of: $0))] })]
        case "DeleteOpenIDConnectProvider":
            return try await changingProvider(call, caller) { provider, edit throws(IdentityError) in
                edit.deleteProvider(provider.name, in: caller.account)
            }
        case "AddClientIDToOpenIDConnectProvider":
            let client = try call.required("ClientID")
            try Self.checkClients([client])
            return try await changingProvider(call, caller) { provider, edit throws(IdentityError) in
                var provider = provider
                if !provider.clients.contains(client) { provider.clients.append(client) }
                try Self.checkClients(provider.clients)
                edit.put(provider, in: caller.account)
            }
        case "RemoveClientIDFromOpenIDConnectProvider":
            let client = try call.required("ClientID")
            return try await changingProvider(call, caller) { provider, edit throws(IdentityError) in
                var provider = provider
                provider.clients.removeAll { $0 == client }
                edit.put(provider, in: caller.account)
            }
        case "UpdateOpenIDConnectProviderThumbprint":
            let thumbprints = try Self.thumbprints(call)
            return try await changingProvider(call, caller) { provider, edit throws(IdentityError) in
                var provider = provider
                provider.thumbprints = thumbprints
                edit.put(provider, in: caller.account)
            }
        case "TagOpenIDConnectProvider":
            let tags = try Self.tags(call)
            return try await changingProvider(call, caller) { provider, edit throws(IdentityError) in
                var provider = provider
                provider.tags.merge(tags) { $1 }
                guard provider.tags.count <= Self.tagsMax else { throw Self.tooManyTags }
                edit.put(provider, in: caller.account)
            }
        case "UntagOpenIDConnectProvider":
            let keys = call.list("TagKeys")
            return try await changingProvider(call, caller) { provider, edit throws(IdentityError) in
                var provider = provider
                for key in keys { provider.tags[key] = nil }
                edit.put(provider, in: caller.account)
            }
        case "ListOpenIDConnectProviderTags":
            let provider = try Self.provider(try call.required("OpenIDConnectProviderArn"), try account(caller))
            return [Self.describe(tags: provider.tags), .text("IsTruncated", "false")]
        case "MartletAttachDirectoryPolicy", "MartletDetachDirectoryPolicy": return try await changeEntry(call, caller)
        case "MartletListDirectoryPolicies":
            let entries = try account(caller).directoryPolicies.sorted { $0.key < $1.key }
            return [
                .list(
                    "DirectoryPolicies",
                    entries.map { [.text("DistinguishedName", $0.key), .texts("PolicyArns", $0.value)] })
            ]
        default: return nil
        }
    }

    // MARK: Providers

    private func createProvider(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement]
    {
        let url = try call.required("Url"), host = url.dropFirst(8).prefix { $0 != "/" }
        guard url.hasPrefix("https://"), url.utf8.count <= 255, !host.isEmpty,
            url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            !url.contains(where: { $0 == "?" || $0 == "#" || $0 == "@" || $0 == "*" })
        else { throw .invalidInput("The Url must begin with https:// and have no query, fragment or user.") }
        var provider = OpenIDConnectProvider(url: url, clients: call.list("ClientIDList"), created: store.time.now())
        try Self.checkClients(provider.clients)
        provider.thumbprints = try Self.thumbprints(call)
        provider.tags = try Self.tags(call)
        let made = provider
        return try await store.change { edit throws(IdentityError) in
            guard let account = edit.state.accounts[caller.account] else { throw .accessDenied }
            guard account.openIDProviders[made.name] == nil else {
                throw .alreadyExists("Provider with url \(made.url)")
            }
            guard account.openIDProviders.count < Self.providersMax else {
                throw .limitExceeded("Cannot exceed quota for OpenIdConnectProvidersPerAccount: \(Self.providersMax)")
            }
            edit.put(made, in: account.number)
            return [
                .text("OpenIDConnectProviderArn", account.arn(of: made)), Self.describe(tags: made.tags),
            ]
        }
    }

    private static func checkClients(_ clients: [String]) throws(IdentityError) {
        guard clients.count <= clientsMax else {
            throw .limitExceeded("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: \(clientsMax)")
        }
        guard clients.allSatisfy({ (1...255).contains($0.utf8.count) }) else {
            throw .invalidInput("A client id has 1 to 255 characters.")
        }
    }

    private static let tagsMax = 50
    private static let tooManyTags = IdentityError.limitExceeded("Cannot exceed quota for TagsPerResource: \(tagsMax)")

    private static func tags(_ call: QueryCall) throws(IdentityError) -> [String: String] {
        let keys = call.list("Tags", "Key"), values = call.list("Tags", "Value")
        guard keys.count == values.count, keys.allSatisfy({ (1...128).contains($0.count) }),
            values.allSatisfy({ $0.count <= 256 })
        else { throw .invalidInput("A tag has a key of 1 to 128 characters and a value of up to 256.") }
        guard keys.count <= tagsMax else { throw tooManyTags }
        var tags: [String: String] = [:]
        for (key, value) in zip(keys, values) {
            guard tags.updateValue(value, forKey: key) == nil else { throw .invalidInput("Duplicate tag keys found.") }
        }
        return tags
    }

    private static func describe(tags: [String: String]) -> AnswerElement {
        .list("Tags", tags.sorted { $0.key < $1.key }.map { [.text("Key", $0.key), .text("Value", $0.value)] })
    }

    private static func thumbprints(_ call: QueryCall) throws(IdentityError) -> [String] {
        let found = call.list("ThumbprintList")
        guard found.count <= 5, found.allSatisfy({ $0.utf8.count == 40 }) else {
            throw .invalidInput("ThumbprintList has at most five thumbprints of 40 hexadecimal digits.")
        }
        return found
    }

    private func getProvider(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let provider = try Self.provider(try call.required("OpenIDConnectProviderArn"), try account(caller))
        // AWS shows the address without its scheme.
        return [
            .text("Url", provider.name), .texts("ClientIDList", provider.clients),
            .texts("ThumbprintList", provider.thumbprints), .text("CreateDate", DateForm.text(provider.created)),
            Self.describe(tags: provider.tags),
        ]
    }

    private static func provider(_ arn: String, _ account: Account) throws(IdentityError) -> OpenIDConnectProvider {
        let prefix = "arn:aws:iam::\(account.number):oidc-provider/"
        guard arn.hasPrefix(prefix), let found = account.openIDProviders[String(arn.dropFirst(prefix.count))] else {
            throw .noSuchEntity("OpenIDConnect Provider not found for arn \(arn)")
        }
        return found
    }

    private func changingProvider(
        _ call: QueryCall, _ caller: CallerName,
        _ change: @Sendable (OpenIDConnectProvider, inout IdentityEdit) throws(IdentityError) -> Void
    ) async throws(IdentityError) -> [AnswerElement] {
        let arn = try call.required("OpenIDConnectProviderArn")
        return try await store.change { edit throws(IdentityError) in
            guard let account = edit.state.accounts[caller.account] else { throw .accessDenied }
            try change(try Self.provider(arn, account), &edit)
            return []
        }
    }

    // MARK: Entries of directories

    private func changeEntry(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let attaches = call.action == "MartletAttachDirectoryPolicy", arn = try call.required("PolicyArn")
        guard let name = DistinguishedName.canonical(try call.required("DistinguishedName")) else {
            throw .invalidInput(
                "DistinguishedName must be the name of an entry, like uid=ada,ou=people,dc=example,dc=com.")
        }
        return try await store.change { edit throws(IdentityError) in
            guard let account = edit.state.accounts[caller.account] else { throw .accessDenied }
            var policies = account.directoryPolicies[name] ?? []
            if attaches {
                try Self.checkPolicy(arn, account)
                if !policies.contains(arn) { policies.append(arn) }
                guard policies.count <= 20 else {
                    throw .limitExceeded("Cannot exceed quota for PoliciesPerEntity: 20")
                }
            } else {
                guard policies.contains(arn) else { throw .noSuchEntity("Policy \(arn) was not found.") }
                policies.removeAll { $0 == arn }
            }
            edit.put(policies, forEntry: name, in: account.number)
            return [.text("DistinguishedName", name), .texts("PolicyArns", policies)]
        }
    }
}
