import Base
import Drives
import ObjectFormat
import Runtime

/// A set as this layer uses it: errors become `ObjectError`, locks are scoped, and a request crosses to the set's loop once.
struct SetHandle: Sendable {
    let index: Int
    let store: any SetStore

    /// Runs `body` with the set's executor preferred, so that its calls to the set do not hop.
    @discardableResult
    func run<Value>(_ body: () async throws(ObjectError) -> Value) async throws(ObjectError) -> Value {
        let result: Result<Value, ObjectError> = await withTaskExecutorPreference(store.executor) {
            await moveToPreferredExecutor()
            do throws(ObjectError) { return .success(try await body()) } catch { return .failure(error) }
        }
        // Without this the caller would go on where the set's work ended: on another loop's thread, beside its own socket.
        await moveToPreferredExecutor()
        return try result.get()
    }

    /// Runs `body` holding the writers' locks of `names`.
    @discardableResult
    func locked<Value>(
        _ names: [LockName], _ body: () async throws(ObjectError) -> Value
    ) async throws(ObjectError) -> Value {
        let lock: KeyLock
        do { lock = try await store.lock(names.sorted()) } catch { throw ObjectError(error) }
        do {
            let value = try await body()
            await store.unlock(lock)
            return value
        } catch {
            await store.unlock(lock)
            throw error
        }
    }

    func row(_ key: IndexKey) async throws(ObjectError) -> SetRow? {
        do { return try await store.row(key) } catch { throw ObjectError(error) }
    }

    func firstRow(prefix: [UInt8]) async throws(ObjectError) -> SetRow? {
        do { return try await store.firstRow(prefix: prefix) } catch { throw ObjectError(error) }
    }

    func rows(from start: IndexKey, to end: IndexKey, limit: Int) async throws(ObjectError) -> [SetRow] {
        do { return try await store.rows(from: start, to: end, limit: limit) } catch { throw ObjectError(error) }
    }

    func page(from start: IndexKey, to end: IndexKey, limit: Int) async throws(ObjectError) -> RowPage {
        do { return try await store.page(from: start, to: end, limit: limit) } catch { throw ObjectError(error) }
    }

    @discardableResult
    func commit(_ build: @Sendable (Position) -> [SetChange]) async throws(ObjectError) -> Position {
        do { return try await store.commit(build) } catch { throw ObjectError(error) }
    }

    func counter(_ bucket: BucketID) async throws(ObjectError) -> Counter {
        do { return try await store.counter(CounterKey(bucket: bucket)) } catch { throw ObjectError(error) }
    }

    func counter(sum buckets: [BucketID]) async throws(ObjectError) -> Counter {
        do { return try await store.counter(sum: buckets) } catch { throw ObjectError(error) }
    }

    func stage(hint: Int64?) async throws(ObjectError) -> any DataStager {
        do { return try await store.stage(hint: hint) } catch { throw ObjectError(error) }
    }
}

extension ObjectError {
    init(_ error: FormatError, in row: SetRow) {
        self = .damaged(detail: "a record of revision \(row.revision) does not parse: \(error)")
    }
}
