import Base
import CSignOn
import Synchronization

struct LDAPFailure: Error, Hashable, Sendable {
    var code: Int32
    var isOutage: Bool { csignon_ldap_is_outage(code) == 1 }
}

/// A connection, used by one thread at a time. Every call blocks, at most as long as the settings' timeout.
final class LDAPConnection: Sendable {
    /// The address of libldap's state as a number, since a pointer can't cross threads; only calls of this class read it back.
    private let address: UInt

    init(_ url: String, _ settings: LDAPSettings) throws(LDAPFailure) {
        var opened: OpaquePointer?
        // ldaps is under TLS from its first byte.
        let startTLS: Int32 = settings.startTLS && !url.lowercased().hasPrefix("ldaps:") ? 1 : 0
        let code = csignon_ldap_open(url, startTLS, settings.caFile, settings.timeoutMilliseconds, &opened)
        guard code == 0, let opened else { throw LDAPFailure(code: code == 0 ? -1 : code) }
        address = UInt(bitPattern: opened)
    }

    deinit { csignon_ldap_close(handle) }

    private var handle: OpaquePointer? { OpaquePointer(bitPattern: address) }

    func bind(_ name: String, password: String) throws(LDAPFailure) {
        let code = csignon_ldap_bind(handle, name, password, password.utf8.count)
        guard code == 0 else { throw LDAPFailure(code: code) }
    }

    /// Names of entries and the first value of `attribute` in each.
    func search(
        _ base: String, _ filter: String, attribute: String?, limit: Int32
    ) throws(LDAPFailure) -> [(name: String, value: String?)] {
        var entries: UnsafeMutablePointer<csignon_ldap_entry>?, count = 0
        let code = csignon_ldap_search(handle, base, filter, attribute, limit, &entries, &count)
        guard code == 0 else { throw LDAPFailure(code: code) }
        defer { csignon_ldap_free_entries(entries, count) }
        return UnsafeBufferPointer(start: entries, count: count).compactMap { entry in
            entry.name.map { (String(cString: $0), entry.value.map { String(cString: $0) }) }
        }
    }
}

/// Connections that are bound as the one who looks up and wait for their next use, and the server that answered last.
final class LDAPConnections: Sendable {
    private struct State {
        var idle: [LDAPConnection] = []
        var preferred = 0
        /// When no server could be reached, last.
        var failed: UInt64?
    }
    private static let idleMax = 4
    let settings: LDAPSettings
    private let time: any TimeSource
    private let state = Mutex(State())

    init(_ settings: LDAPSettings, time: any TimeSource) { (self.settings, self.time) = (settings, time) }

    /// Whether no server could be reached since then.
    func hasFailed(since moment: UInt64) -> Bool { state.withLock { $0.failed.map { $0 >= moment } ?? false } }

    /// A new connection to the first server that can be reached, beginning with the one that was reached last.
    func open() throws(LDAPFailure) -> LDAPConnection {
        let first = state.withLock { $0.preferred }
        var failure = LDAPFailure(code: -1)
        for offset in settings.urls.indices {
            let index = (first + offset) % settings.urls.count
            do throws(LDAPFailure) {
                let connection = try LDAPConnection(settings.urls[index], settings)
                // libldap connects with the first operation.
                try connection.bind(settings.bindName, password: settings.bindPassword)
                state.withLock { $0.preferred = index }
                return connection
            } catch {
                failure = error
                guard error.isOutage else { throw error }
            }
        }
        let now = time.monotonicNanoseconds()
        state.withLock { $0.failed = now }
        throw failure
    }

    /// Runs `work` on a bound connection. One that waited may have been closed by the server: then a new one is tried once.
    func with<Value>(_ work: (LDAPConnection) throws(LDAPFailure) -> Value) throws(LDAPFailure) -> Value {
        if let waiting = state.withLock({ $0.idle.popLast() }) {
            do throws(LDAPFailure) {
                let value = try work(waiting)
                keep(waiting)
                return value
            } catch { guard error.isOutage else { throw error } }
            state.withLock { $0.idle = [] }
        }
        let opened = try open()
        let value = try work(opened)
        keep(opened)
        return value
    }

    private func keep(_ connection: LDAPConnection) {
        state.withLock { state in
            if state.idle.count < Self.idleMax { state.idle.append(connection) }
        }
    }
}
