import Base
import Digests
import ObjectFormat
import Objects
import Runtime
import SimulationSupport

/// Requests, and what their answers mean to the models.
extension Simulation {
    private static let clientsMax = 10
    private static let tenant = TenantID.default

    /// Starts a request as a task of its own. Its client hears nothing when the process ends before the answer.
    private func request(_ body: @escaping @Sendable (Simulation, ObjectStore, Int) async -> Void) {
        guard let store, clients < Self.clientsMax else { return }
        clients += 1
        let mine = generation
        executor.spawn {
            await body(self, store, mine)
            await self.requestEnded()
        }
    }

    private func requestEnded() { clients -= 1 }

    func begin(client step: SimulationStep) {
        let salt = step.salt
        switch step.action {
        case .put(let key, let size): request { await $0.put($1, key, size: size, expecting: nil, $2) }
        case .putIfMatch(let key): request { await $0.putIfMatch($1, key, $2) }
        case .putIfAbsent(let key): request { await $0.putOnce($1, key, $2) }
        case .delete(let key): request { await $0.delete($1, key, $2) }
        case .deleteVersion(let key):
            if salt % 2 == 0 {
                request { await $0.addVersion($1, key, $2) }
            } else {
                request { await $0.deleteVersion($1, key, salt, $2) }
            }
        case .read(let key): request { simulation, store, _ in _ = await simulation.read(store, key) }
        case .list: request { simulation, store, _ in await simulation.list(store) }
        case .upload(let key, let parts): request { await $0.upload($1, key, parts: parts, completes: true, $2) }
        case .abandonUpload(let key): request { await $0.upload($1, key, parts: 1, completes: false, $2) }
        case .rename: request { simulation, store, _ in await simulation.rename(store, salt) }
        case .cancelledPut(let key, let after):
            request { simulation, store, mine in
                let executor = simulation.executor
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await simulation.put(store, key, size: 100_000, expecting: nil, mine) }
                    group.addTask { try? await executor.sleep(for: .microseconds(after)) }
                    // Whichever ends first; then the client is gone.
                    await group.next()
                    group.cancelAll()
                }
            }
        default: break
        }
    }

    // MARK: Writes

    private func outcome(_ error: ObjectError?, _ mine: Int) -> RegisterModel.Outcome {
        if mine != generation { return .unknown }
        guard let error else { return .acknowledged }
        if case .outcomeUnknown = error { return .unknown }
        // What stopped a process, or a client, is no answer.
        if case .shuttingDown = error { return .unknown }
        return .failed
    }

    private func take() -> Int {
        nextID += 1
        return nextID
    }

    private func put(_ store: ObjectStore, _ key: Int, size: Int, expecting: (Int, String)?, _ mine: Int) async {
        let id = take()
        registers[key].begin(id, isDelete: false, expecting: expecting?.0, at: tick())
        var options = PutOptions()
        if let expecting { options.conditions.ifMatch = .tags([expecting.1]) }
        var problem: ObjectError?
        do throws(ObjectError) {
            _ = try await store.put(
                SimulationKeys.bucket(key), SimulationKeys.register(key), tenant: Self.tenant, options: options,
                body: SimulatedBody(SimulatedContent.bytes(id, count: size)))
        } catch { problem = error }
        ended("put", key, id, problem, mine)
    }

    private func ended(_ what: String, _ key: Int, _ id: Int, _ problem: ObjectError?, _ mine: Int) {
        if let problem, case .damaged(let detail) = problem { fail("\(what) of key \(key): \(detail)") }
        let outcome = outcome(problem, mine)
        trace("\(what) \(key):\(id) \(outcome)\(problem.map { " (\($0))" } ?? "")")
        if outcome == .acknowledged { report.acknowledged += 1 }
        if let wrong = registers[key].end(id, outcome, at: tick()), isStrict { fail("key \(key): \(wrong)") }
    }

    /// Reads, and replaces what it read.
    private func putIfMatch(_ store: ObjectStore, _ key: Int, _ mine: Int) async {
        guard let found = await read(store, key), let seen = found.write, let etag = found.etag else { return }
        await put(store, key, size: 300, expecting: (seen, etag), mine)
    }

    private func putOnce(_ store: ObjectStore, _ key: Int, _ mine: Int) async {
        let id = take()
        once[key].begin(id, isDelete: false, expecting: 0, at: tick())
        var options = PutOptions()
        options.conditions.ifNoneMatch = .any
        var problem: ObjectError?
        do throws(ObjectError) {
            _ = try await store.put(
                SimulationKeys.plainBucket, SimulationKeys.once(key), tenant: Self.tenant, options: options,
                body: SimulatedBody(SimulatedContent.bytes(id, count: 200)))
        } catch { problem = error }
        let outcome = outcome(problem, mine)
        trace("once \(key):\(id) \(outcome)")
        if let wrong = once[key].end(id, outcome, at: tick()), isStrict { fail("once \(key): \(wrong)") }
    }

    private func delete(_ store: ObjectStore, _ key: Int, _ mine: Int) async {
        let id = take()
        registers[key].begin(id, isDelete: true, at: tick())
        var problem: ObjectError?
        do throws(ObjectError) {
            _ = try await store.delete(
                SimulationKeys.bucket(key), SimulationKeys.register(key), tenant: Self.tenant,
                options: DeleteOptions())
        } catch { problem = error }
        ended("delete", key, id, problem, mine)
    }

    private func upload(_ store: ObjectStore, _ key: Int, parts: Int, completes: Bool, _ mine: Int) async {
        let bucket = SimulationKeys.bucket(key), name = SimulationKeys.register(key), id = take()
        let whole = SimulatedContent.bytes(id, count: parts * 50_000 + 8)
        var claims: [PartClaim] = []
        var upload: UniqueID?
        do throws(ObjectError) {
            let made = try await store.createUpload(
                bucket, name, tenant: Self.tenant, options: CreateUploadOptions()
            ).upload
            upload = made
            for number in 1...parts {
                let end = number == parts ? whole.count : number * 50_000
                let part = try await store.uploadPart(
                    bucket, name, upload: made, number: number, tenant: Self.tenant, options: PartOptions(),
                    body: SimulatedBody(Array(whole[(number - 1) * 50_000..<end])))
                claims.append(PartClaim(number: number, etag: part.etag))
            }
        } catch { return }
        guard completes, let upload else { return }
        registers[key].begin(id, isDelete: false, at: tick())
        var problem: ObjectError?
        do throws(ObjectError) {
            _ = try await store.completeUpload(
                bucket, name, upload: upload, parts: claims, tenant: Self.tenant, options: CompleteOptions())
        } catch { problem = error }
        ended("complete", key, id, problem, mine)
    }

    private func rename(_ store: ObjectStore, _ salt: UInt64) async {
        let from = Int(salt % 3), to = Int(salt / 3 % 3)
        guard from != to else { return }
        do throws(ObjectError) {
            try await store.rename(
                SimulationKeys.plainBucket, from: SimulationKeys.token(from), to: SimulationKeys.token(to),
                tenant: Self.tenant, options: RenameOptions())
            trace("renamed \(from) to \(to)")
        } catch {}
    }

    private func addVersion(_ store: ObjectStore, _ key: Int, _ mine: Int) async {
        let id = take()
        histories[key].unknown.insert(id)
        do throws(ObjectError) {
            let result = try await store.put(
                SimulationKeys.versionedBucket, SimulationKeys.history(key), tenant: Self.tenant,
                options: PutOptions(), body: SimulatedBody(SimulatedContent.bytes(id, count: 500)))
            guard let version = result.version, mine == generation else { return }
            histories[key].unknown.remove(id)
            histories[key].add(version, write: id)
            trace("version \(key):\(id)")
        } catch {
            guard outcome(error, mine) == .failed else { return }
            histories[key].unknown.remove(id)
            histories[key].failed.insert(id)
        }
    }

    private func deleteVersion(_ store: ObjectStore, _ key: Int, _ salt: UInt64, _ mine: Int) async {
        let known = histories[key].order
        guard !known.isEmpty else { return }
        let version = known[Int(salt % UInt64(known.count))]
        var options = DeleteOptions()
        options.version = version
        histories[key].versions[version]?.mayBeDeleted = true
        do throws(ObjectError) {
            _ = try await store.delete(
                SimulationKeys.versionedBucket, SimulationKeys.history(key), tenant: Self.tenant, options: options)
            if mine == generation { histories[key].versions[version]?.isDeleted = true }
            trace("deleted version of \(key)")
        } catch {}
    }

    // MARK: Reads

    struct Found {
        var write: Int?
        var etag: String?
    }

    /// Nil when nothing could be read just now.
    func read(_ store: ObjectStore, _ key: Int) async -> Found? {
        let start = tick()
        guard let found = await bytes(store, SimulationKeys.bucket(key), SimulationKeys.register(key), "key \(key)")
        else { return nil }
        if isStrict, let wrong = registers[key].see(found.write, from: start, at: tick()) {
            fail("key \(key) \(wrong)")
        }
        report.reads += 1
        return found
    }

    /// What a GET delivers, byte for byte somebody's; nil when it failed as it may.
    func bytes(
        _ store: ObjectStore, _ bucket: String, _ key: ObjectKey, _ what: String, version: VersionID? = nil
    ) async -> Found? {
        do throws(ObjectError) {
            var options = GetOptions()
            options.version = version
            let result = try await store.get(bucket, key, tenant: Self.tenant, options: options)
            var bytes: [UInt8] = []
            do throws(ObjectError) {
                while let slice = try await result.reader.next() { bytes.append(contentsOf: slice.bytes) }
            } catch {
                await result.reader.close()
                throw error
            }
            await result.reader.close()
            guard let owner = SimulatedContent.owner(bytes), Int64(bytes.count) == result.head.object.size else {
                fail("\(what): \(bytes.count) bytes that nobody wrote")
                return nil
            }
            return Found(write: owner, etag: result.head.object.etag)
        } catch {
            switch error {
            case .noSuchKey, .noSuchVersion: return Found()
            case .damaged(let detail) where isStrict: fail("\(what): \(detail)")
            default: report.lastError = "\(error)"
            }
            return nil
        }
    }

    /// Both buckets in pages; the keys in order, each once, and what the registers say of them.
    func list(_ store: ObjectStore) async {
        for bucket in [SimulationKeys.plainBucket, SimulationKeys.versionedBucket] {
            let start = tick()
            guard let keys = await keys(store, bucket, page: 2) else { continue }
            for (first, second) in zip(keys, keys.dropFirst()) where !(first < second) {
                fail("a listing has \(second) after \(first)")
            }
            guard isStrict else { continue }
            for register in 0..<SimulationKeys.registers where SimulationKeys.bucket(register) == bucket {
                if keys.contains(SimulationKeys.register(register)) { continue }
                if let wrong = registers[register].see(nil, from: start, at: tick()) {
                    fail("a listing without key \(register) \(wrong)")
                }
            }
            report.listings += 1
        }
    }

    func keys(_ store: ObjectStore, _ bucket: String, page: Int) async -> [ObjectKey]? {
        var keys: [ObjectKey] = [], options = ListOptions()
        options.limit = page
        do throws(ObjectError) {
            while true {
                let result = try await store.list(bucket, tenant: Self.tenant, options: options)
                for case .object(let object) in result.entries { keys.append(object.key) }
                guard let next = result.next else { return keys }
                options.start = next
            }
        } catch {
            report.lastError = "\(error)"
            return nil
        }
    }
}
