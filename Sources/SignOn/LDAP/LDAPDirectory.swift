package import Base
package import Drives
import Synchronization

/// Who somebody is to a directory.
package struct DirectoryUser: Hashable, Sendable {
    /// As the entry spells it: a directory finds people by names that it takes for equal, whose bytes are not.
    package var login: String
    /// The names of the user's entry and of its groups.
    package var name: String
    package var groups: [String]
}

/// A directory that people sign on with: finds the user, proves the password by binding as the user, and finds the groups.
package final class LDAPDirectory: Sendable {
    package let settings: LDAPSettings
    private let connections: LDAPConnections
    private let pool: BlockingPool
    private let inFlight = Mutex(0)
    /// More that wait for a slow directory are refused: they would wait for nothing.
    private static let inFlightMax = 64
    private static let groupsMax = 512
    private static let depthMax = 10
    private static let isDown = SignOnError.unreachable("The directory does not answer.")

    private let time: any TimeSource

    package init(_ settings: LDAPSettings, pool: BlockingPool, time: any TimeSource) {
        self.settings = settings
        self.pool = pool
        self.time = time
        connections = LDAPConnections(settings, time: time)
    }

    package func signOn(login: String, password: String) async throws(SignOnError) -> DirectoryUser {
        // A bind without a password is anonymous and succeeds, whoever's name it has.
        guard !password.isEmpty, !login.isEmpty, login.utf8.count <= 256, password.utf8.count <= 1024,
            !login.utf8.contains(0), !password.utf8.contains(0)
        else { throw .denied }
        let isFree = inFlight.withLock { count in
            guard count < Self.inFlightMax else { return false }
            count += 1
            return true
        }
        guard isFree else { throw .unreachable("The directory is busy.") }
        defer { inFlight.withLock { $0 -= 1 } }
        let connections = connections, asked = time.monotonicNanoseconds()
        let outcome: Result<DirectoryUser, SignOnError> = await pool.perform {
            // Whoever waited while the directory was found to be down need not find out again.
            if connections.hasFailed(since: asked) { return .failure(Self.isDown) }
            return Self.signOn(connections, login, password)
        }
        return try outcome.get()
    }

    private static func signOn(
        _ connections: LDAPConnections, _ login: String, _ password: String
    ) -> Result<DirectoryUser, SignOnError> {
        let settings = connections.settings
        do throws(LDAPFailure) {
            let filter = LDAPFilter.fill(settings.userFilter, name: login, entry: "")
            let found = try connections.with { connection throws(LDAPFailure) in
                var found: [(name: String, value: String?)] = []
                // Two are enough to know that the name is not one user's.
                for base in settings.userBases {
                    found += try connection.search(base, filter, attribute: settings.nameAttribute, limit: 2)
                }
                return found
            }
            // A name that is nobody's is bound all the same, so that the time tells nothing.
            let isOne = found.count == 1, name = isOne ? found[0].name : "cn=nobody," + (settings.userBases.first ?? "")
            do throws(LDAPFailure) {
                try connections.open().bind(name, password: password)
            } catch {
                if error.isOutage { throw error }
                return .failure(.denied)
            }
            guard isOne else { return .failure(.denied) }
            let groups = try connections.with { connection throws(LDAPFailure) in
                try Self.groups(of: name, login, settings, connection)
            }
            return .success(DirectoryUser(login: found[0].value ?? login, name: name, groups: groups))
        } catch {
            return .failure(
                error.isOutage ? Self.isDown : .rejected("The directory refused the search."))
        }
    }

    /// Breadth first, so that the limit on groups cuts the farthest. More groups than the limit are an error, not a part of them: one that is
    /// missing may be one that is denied something.
    private static func groups(
        of name: String, _ login: String, _ settings: LDAPSettings, _ connection: LDAPConnection
    ) throws(LDAPFailure) -> [String] {
        var groups: [String] = [], known: Set<String> = [], edge = [name]
        let isNested = settings.nestedGroups && settings.groupFilter.contains("%d")
        for _ in 0..<(isNested ? depthMax : 1) {
            var next: [String] = []
            for entry in edge {
                let filter = LDAPFilter.fill(settings.groupFilter, name: login, entry: entry)
                for base in settings.groupBases {
                    for group in try connection.search(base, filter, attribute: nil, limit: Int32(groupsMax))
                    where known.insert(group.name.lowercased()).inserted {
                        groups.append(group.name)
                        next.append(group.name)
                    }
                }
                guard groups.count <= groupsMax else { throw LDAPFailure(code: 4) }
            }
            if next.isEmpty { break }
            edge = next
        }
        return groups
    }
}
