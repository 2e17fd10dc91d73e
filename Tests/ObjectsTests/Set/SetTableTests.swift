import Base
import Drives
import ObjectFormat
import Objects
import SimulationSupport
import Testing

@Suite struct QuorumTests {
    @Test(arguments: [
        (1, 0, 1, 1), (1, 1, 2, 1), (2, 1, 2, 2), (2, 2, 3, 2), (4, 2, 4, 3), (3, 3, 4, 3), (12, 4, 12, 5),
        (8, 8, 9, 8),
    ])
    func `write and read quorums follow from data and parity`(_ row: (data: Int, parity: Int, write: Int, read: Int)) {
        let quorum = Quorum(Geometry(data: row.data, parity: row.parity))
        #expect(quorum.write == row.write)
        #expect(quorum.read == row.read)
        #expect(quorum.write * 2 > quorum.drives && quorum.write + quorum.read > quorum.drives)
    }

    @Test func `full copies are acknowledged only with enough copies durable`() {
        let quorum = Quorum(Geometry(data: 2, parity: 2))
        let copies = SlotMask([0, 1, 2])
        #expect(quorum.acknowledges(copies: copies, durable: SlotMask([0, 1, 3])))
        #expect(!quorum.acknowledges(copies: copies, durable: SlotMask([0, 3])))
        #expect(!quorum.acknowledges(copies: SlotMask([0]), durable: SlotMask([0, 1, 3])))
        #expect(quorum.acknowledges(copies: nil, durable: SlotMask([1, 2, 3])))
    }
}

@Suite struct StatementFormatTests {
    private func sample() -> Statement {
        var statement = Statement(
            membership: 7,
            members: [
                .init(drive: UniqueID(high: 1, low: 2), since: 1), .init(drive: UniqueID(high: 3, low: 4), since: 7),
            ])
        statement.floor = Position(epoch: 2, sequence: 9)
        statement.ends = [3: 14, 5: 1]
        statement.voids = [Position(epoch: 3, sequence: 4), Position(epoch: 5, sequence: 2)]
        statement.dones = [Position(epoch: 3, sequence: 5)]
        statement.opens = [Position(epoch: 3, sequence: 6): [1, .max]]
        statement.stale = SlotMask([1])
        statement.counts = [
            .init(
                position: Position(epoch: 3, sequence: 1),
                changes: [CounterChange(key: CounterKey(bucket: BucketID(rawValue: 9)), objects: -1, bytes: 70)])
        ]
        return statement
    }

    @Test func `a statement reads back as written, and no shorter or longer`() {
        let note = sample().encoded()
        #expect(Statement(note: note) == sample())
        for count in note.indices { #expect(Statement(note: Array(note[..<count])) == nil) }
        #expect(Statement(note: note + [0]) == nil)
        #expect(CommitNote.decode(note) == nil)
    }

    @Test func `hostile notes are refused and never trap`() {
        var dice = SplitMix64(seed: 3)
        let note = sample().encoded()
        for _ in 0..<20_000 {
            var bytes = note
            for _ in 0..<(1 + dice.below(4)) { bytes[dice.below(bytes.count)] = UInt8(truncatingIfNeeded: dice.next()) }
            if let statement = Statement(note: bytes) { #expect(Statement(note: statement.encoded()) == statement) }
            _ = RowFormat.decode(Array(bytes.prefix(dice.below(bytes.count))))
        }
    }

    @Test func `a row's trailer is taken off again`() {
        let layouts: [DataLayout] = [
            .copies(count: 5, slots: [0, 3]), .packed(count: 7, geometry: Geometry(data: 2, parity: 2), rotation: 3),
            .coded(
                count: 9, geometry: Geometry(data: 4, parity: 2), rotation: 1, blockBytes: 4096,
                id: UniqueID(high: 5, low: 6)),
        ]
        for layout in layouts {
            let found = RowFormat.decode(RowFormat.encode([1, 2, 3], attached: layout))
            #expect(found?.payload == [1, 2, 3] && found?.attached == layout)
        }
        #expect(RowFormat.decode(RowFormat.encode([], attached: nil))?.payload == [])
        #expect(RowFormat.decode([]) == nil && RowFormat.decode([9]) == nil && RowFormat.decode([1]) == nil)
    }
}

@Suite struct StartDecisionTests {
    private let quorum = Quorum(Geometry(data: 2, parity: 2))
    private func position(_ sequence: UInt64, _ epoch: UInt64 = 1) -> Position {
        Position(epoch: epoch, sequence: sequence)
    }

    private func statement() -> Statement {
        Statement(membership: 1, members: (0..<4).map { .init(drive: UniqueID(high: 0, low: UInt64($0)), since: 1) })
    }

    /// Drives of a set whose statement is decided; `slots` have position 2, sent to `sent`.
    private func reports(here: [Int], having slots: [Int], sent: [Int]) -> [SlotReport] {
        here.map { slot in
            var report = SlotReport(slot: slot, drive: UniqueID(high: 0, low: UInt64(slot)))
            report.promise = Promise(epoch: 1, leader: UniqueID(high: 0, low: 0))
            func record(_ at: Position, _ kind: CommitHeader.Kind, _ hashes: [UInt64]) -> SlotReport.Record {
                .init(
                    header: CommitHeader(
                        kind: kind, position: at, decided: .zero, confirmed: .zero, membership: 1,
                        sent: SlotMask(sent).rawValue),
                    keyHashes: hashes)
            }
            report.pending[position(1)] = record(position(1), .statement, [])
            report.statements[position(1)] = statement()
            report.decided = position(1)
            if slots.contains(slot) { report.pending[position(2)] = record(position(2), .commit, [77]) }
            return report
        }
    }

    private func outcome(here: [Int], having slots: [Int], sent: [Int] = [0, 1, 2, 3], shares: [Int]? = nil) throws
        -> StartDecision.Outcome?
    {
        let reports = reports(here: here, having: slots, sent: sent)
        let rules = StartRules(quorum: quorum)
        let plan = try StartPlan(reports: reports, rules: rules)
        let evidence = StartDecision.Evidence(keyHash: 77, needed: 2, shares: SlotMask(shares ?? slots))
        let decision = StartDecision(plan, reports, evidence: [position(2): [evidence]], rules: rules)
        return decision.outcomes[position(2)]
    }

    @Test func `a position on a write quorum is decided`() throws {
        #expect(try outcome(here: [0, 1, 2, 3], having: [0, 1, 2]) == .decided)
    }
    @Test func `a position that can be rebuilt is completed`() throws {
        #expect(try outcome(here: [0, 1, 2, 3], having: [0, 3]) == .complete)
    }
    @Test func `a position on too few drives with all here is void`() throws {
        #expect(try outcome(here: [0, 1, 2, 3], having: [2]) == .void)
    }
    @Test func `a position that drives away may have is open`() throws {
        #expect(try outcome(here: [0, 1, 2], having: [2], sent: [1, 2, 3], shares: [2]) == .void)
        #expect(try outcome(here: [0, 1], having: [1], shares: [1]) == .open)
    }
    @Test func `a position whose key has a later decided commit is decided without its data`() throws {
        var reports = reports(here: [0, 1, 2, 3], having: [2], sent: [0, 1, 2, 3])
        // The later commit is on a write quorum, and the drive that has only the older one missed it.
        for slot in [0, 1, 3] {
            let header = CommitHeader(
                kind: .commit, position: position(3), decided: position(1), confirmed: .zero, membership: 1, sent: 15)
            reports[slot].pending[position(3)] = .init(header: header, keyHashes: [77])
        }
        let rules = StartRules(quorum: quorum)
        let plan = try StartPlan(reports: reports, rules: rules)
        let decision = StartDecision(
            plan, reports,
            evidence: [position(2): [.init(keyHash: 77, needed: 2, shares: SlotMask([2]))]], rules: rules)
        #expect(decision.outcomes == [position(2): .decided, position(3): .decided])
        #expect(decision.superseded([77], at: position(2), on: reports[0]) == [77])
        #expect(decision.isValid(position(2)) && !decision.isValid(position(4)))
    }
    @Test func `fewer than r drives decide nothing`() {
        #expect(throws: SetError.self) { try outcome(here: [2], having: [2]) }
    }
    @Test func `a new set needs all its drives, blank`() throws {
        var blank = (0..<4).map { SlotReport(slot: $0, drive: UniqueID(high: 9, low: UInt64($0))) }
        for index in blank.indices { blank[index].isBlank = true }
        let rules = StartRules(quorum: quorum)
        let plan = try StartPlan(reports: blank, rules: rules)
        #expect(plan.writable && plan.participants == quorum.all && plan.epoch == 1)
        #expect(throws: SetError.self) { try StartPlan(reports: Array(blank.dropLast()), rules: rules) }
    }
    @Test func `a blank drive is admitted when all others are in step, else by the operator only`() throws {
        var others = reports(here: [0, 1, 2], having: [0, 1, 2], sent: [0, 1, 2])
        var blank = SlotReport(slot: 3, drive: UniqueID(high: 1, low: 3))
        blank.isBlank = true
        var rules = StartRules(quorum: quorum)
        #expect(try StartPlan(reports: others + [blank], rules: rules).admitted == SlotMask([3]))
        others[0].pending[position(2)] = nil
        #expect(try StartPlan(reports: others + [blank], rules: rules).admitted.isEmpty)
        rules.declaredLost = SlotMask([3])
        let plan = try StartPlan(reports: others + [blank], rules: rules)
        #expect(plan.admitted == SlotMask([3]) && plan.statement.members[3].since == 2)
    }
}

@Suite struct ChangeHashTests {
    private func key(_ name: UInt8, _ sequence: UInt64) -> IndexKey {
        var bytes: [UInt8] = [0x10, 0, 0, 0, 0, 0, 0, 0, 1, name, 0, 0]
        withUnsafeBytes(of: (~UInt64(3)).bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: (~sequence).bigEndian) { bytes.append(contentsOf: $0) }
        return IndexKey(bytes)
    }

    @Test func `versions of an object differ in their hashes and share the upper half`() {
        let hashes = (0..<1_000).map { key(0x61, $0).changeHash }
        #expect(Set(hashes).count == 1_000)
        let prefix = IndexKey.changePrefix(of: Array(key(0x61, 0).bytes.dropLast(16)))
        #expect(hashes.allSatisfy { IndexKey.changePrefix(of: $0) == prefix })
        #expect(IndexKey.changePrefix(of: key(0x62, 0).changeHash) != prefix)
    }
}

@Suite struct SetLedgerTests {
    private func position(_ sequence: UInt64) -> Position { Position(epoch: 1, sequence: sequence) }

    @Test func `a drive answers for a key when it holds its newest listed position`() {
        var ledger = SetLedger(drives: 4, confirmed: .zero)
        ledger.insert(position(2), keyHashes: [7], held: SlotMask([0, 1, 2]))
        ledger.insert(position(3), keyHashes: [7, 8], held: SlotMask([1, 2, 3]))
        #expect(ledger.holders(of: 7) == SlotMask([1, 2, 3]) && ledger.holders(of: 9) == nil)
        #expect(!ledger.isInStep(3) && !ledger.isInStep(0) && ledger.isInStep(1))
        ledger.markHeld(position(2), slot: 3)
        #expect(ledger.isInStep(3))
        ledger.confirm(members: .first(4), below: position(9))
        #expect(ledger.confirmed == position(2) && ledger.count == 1)
        ledger.markHeld(position(3), slot: 0)
        ledger.confirm(members: .first(4), below: position(3))
        #expect(ledger.confirmed == position(2))
        ledger.confirm(members: .first(4), below: position(4))
        #expect(ledger.confirmed == position(3) && ledger.holders(of: 7) == nil && ledger.isInStep(0))
    }
}
