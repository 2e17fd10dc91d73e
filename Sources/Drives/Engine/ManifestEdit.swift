package import Base

/// One fact in the manifest. An edit is a list of them that becomes true in one step. Docs/formats/manifest.md.
package enum ManifestFact: Sendable {
    case tableAdded(TableRecord)
    case tableRemoved(number: UInt64)
    /// Every record up to `lsn` is in the tables, but those in `open`, which are pending.
    case flushed(lsn: UInt64, open: [UInt64])
    /// A decided position; the highest one counts.
    case decided(Position)
    /// The confirmed mark (rule 11), and the position up to which a finished rebuilding holds everything.
    case mark(Position)
    case own(Position)
    case statement(position: Position, note: [UInt8])
    case rebuilding(Bool)
    case damaged(Bool)
    case promise(Promise)
    case dataSegmentAdded(number: UInt32, pages: UInt32)
    case dataSegmentRemoved(number: UInt32)
    /// The used pages of a data segment, replacing what was known of it.
    case allocation(segment: UInt32, runs: [Range<Int>])
    /// Live packed bytes of every log segment that has any, replacing the list before.
    case livePacked([(segment: UInt32, bytes: UInt64)])
}

extension ManifestFact {
    private enum Tag: UInt8 {
        case tableAdded = 1, tableRemoved, flushed, decided, mark, own, statement, rebuilding, damaged, promise
        case dataSegmentAdded, dataSegmentRemoved, allocation, livePacked
    }

    func encode(to writer: inout FieldWriter) {
        switch self {
        case .tableAdded(let record):
            writer.byte(Tag.tableAdded.rawValue)
            var bytes: [UInt8] = []
            record.encode(into: &bytes)
            writer.blob(bytes)
        case .tableRemoved(let number):
            writer.byte(Tag.tableRemoved.rawValue)
            writer.number(number)
        case .flushed(let lsn, let open):
            writer.byte(Tag.flushed.rawValue)
            writer.number(lsn)
            writer.count(open.count)
            for lsn in open { writer.number(lsn) }
        case .decided(let position):
            writer.byte(Tag.decided.rawValue)
            writer.position(position)
        case .mark(let position):
            writer.byte(Tag.mark.rawValue)
            writer.position(position)
        case .own(let position):
            writer.byte(Tag.own.rawValue)
            writer.position(position)
        case .statement(let position, let note):
            writer.byte(Tag.statement.rawValue)
            writer.position(position)
            writer.blob(note)
        case .rebuilding(let value):
            writer.byte(Tag.rebuilding.rawValue)
            writer.byte(value ? 1 : 0)
        case .damaged(let value):
            writer.byte(Tag.damaged.rawValue)
            writer.byte(value ? 1 : 0)
        case .promise(let promise):
            writer.byte(Tag.promise.rawValue)
            writer.number(promise.epoch)
            writer.uniqueID(promise.leader)
        case .dataSegmentAdded(let number, let pages):
            writer.byte(Tag.dataSegmentAdded.rawValue)
            writer.number(UInt64(number))
            writer.number(UInt64(pages))
        case .dataSegmentRemoved(let number):
            writer.byte(Tag.dataSegmentRemoved.rawValue)
            writer.number(UInt64(number))
        case .allocation(let segment, let runs):
            writer.byte(Tag.allocation.rawValue)
            writer.number(UInt64(segment))
            writer.count(runs.count)
            var last = 0
            for run in runs {
                writer.count(run.lowerBound - last)
                writer.count(run.count)
                last = run.upperBound
            }
        case .livePacked(let segments):
            writer.byte(Tag.livePacked.rawValue)
            writer.count(segments.count)
            for (segment, bytes) in segments {
                writer.number(UInt64(segment))
                writer.number(bytes)
            }
        }
    }

    static func decode(from reader: inout FieldReader) throws(MalformedField) -> ManifestFact {
        guard let tag = Tag(rawValue: try reader.byte("fact")) else { throw MalformedField("fact") }
        switch tag {
        case .tableAdded:
            var bytes = try reader.blob("table record")[...]
            do {
                let record = try TableRecord(decoding: &bytes)
                guard bytes.isEmpty else { throw MalformedField("end of table record") }
                return .tableAdded(record)
            } catch { throw MalformedField("table record") }
        case .tableRemoved: return .tableRemoved(number: try reader.number("table number"))
        case .flushed:
            let lsn = try reader.number("flushed LSN")
            let count = try reader.count(of: 1, "open records")
            var open: [UInt64] = []
            open.reserveCapacity(count)
            for _ in 0..<count { open.append(try reader.number("open record")) }
            return .flushed(lsn: lsn, open: open)
        case .decided: return .decided(try reader.position("decided"))
        case .mark: return .mark(try reader.position("mark"))
        case .own: return .own(try reader.position("own"))
        case .statement:
            return .statement(position: try reader.position("statement"), note: try reader.blob("statement"))
        case .rebuilding: return .rebuilding(try flag(&reader))
        case .damaged: return .damaged(try flag(&reader))
        case .promise:
            return .promise(Promise(epoch: try reader.number("epoch"), leader: try reader.uniqueID("leader")))
        case .dataSegmentAdded:
            return .dataSegmentAdded(
                number: try reader.narrow(UInt32.self, "data segment"), pages: try reader.narrow(UInt32.self, "pages"))
        case .dataSegmentRemoved:
            return .dataSegmentRemoved(number: try reader.narrow(UInt32.self, "data segment"))
        case .allocation: return try decodeAllocation(from: &reader)
        case .livePacked:
            let count = try reader.count(of: 2, "log segments")
            var segments: [(segment: UInt32, bytes: UInt64)] = []
            segments.reserveCapacity(count)
            for _ in 0..<count {
                segments.append((try reader.narrow(UInt32.self, "log segment"), try reader.number("live bytes")))
            }
            return .livePacked(segments)
        }
    }

    private static func decodeAllocation(from reader: inout FieldReader) throws(MalformedField) -> ManifestFact {
        let segment = try reader.narrow(UInt32.self, "data segment")
        let count = try reader.count(of: 2, "runs")
        var runs: [Range<Int>] = []
        runs.reserveCapacity(count)
        var last = 0
        for _ in 0..<count {
            let gap = Int(try reader.narrow(UInt32.self, "gap")), length = Int(try reader.narrow(UInt32.self, "run"))
            guard length > 0, last + gap + length <= Int(UInt32.max) else { throw MalformedField("run") }
            runs.append(last + gap..<last + gap + length)
            last += gap + length
        }
        return .allocation(segment: segment, runs: runs)
    }

    private static func flag(_ reader: inout FieldReader) throws(MalformedField) -> Bool {
        switch try reader.byte("flag") {
        case 0: return false
        case 1: return true
        default: throw MalformedField("flag")
        }
    }
}

/// What all edits so far add up to.
package struct ManifestState: Sendable {
    package var tables: [UInt64: TableRecord] = [:]
    package var flushedLSN: UInt64 = 0
    package var openRecords: [UInt64] = []
    package var decided = Position.zero
    package var mark = Position.zero
    package var own = Position.zero
    package var statement: (position: Position, note: [UInt8])?
    package var isRebuilding = false
    package var isDamaged = false
    package var promise: Promise?
    package var dataSegments: [UInt32: UInt32] = [:]
    package var allocation: [UInt32: [Range<Int>]] = [:]
    package var livePacked: [(segment: UInt32, bytes: UInt64)] = []

    package init() {}

    package mutating func apply(_ fact: ManifestFact) {
        switch fact {
        case .tableAdded(let record): tables[record.number] = record
        case .tableRemoved(let number): tables[number] = nil
        case .flushed(let lsn, let open): (flushedLSN, openRecords) = (lsn, open)
        case .decided(let position): decided = max(decided, position)
        case .mark(let position): mark = position
        case .own(let position): own = position
        case .statement(let position, let note): statement = (position, note)
        case .rebuilding(let value): isRebuilding = value
        case .damaged(let value): isDamaged = value
        case .promise(let promise): self.promise = promise
        case .dataSegmentAdded(let number, let pages): dataSegments[number] = pages
        case .dataSegmentRemoved(let number):
            dataSegments[number] = nil
            allocation[number] = nil
        case .allocation(let segment, let runs): allocation[segment] = runs
        case .livePacked(let segments): livePacked = segments
        }
    }

    /// The facts that make this state out of an empty one: the first edit of a new manifest.
    package var facts: [ManifestFact] {
        var facts: [ManifestFact] = []
        for number in tables.keys.sorted() { if let table = tables[number] { facts.append(.tableAdded(table)) } }
        facts.append(.flushed(lsn: flushedLSN, open: openRecords))
        facts += [.decided(decided), .mark(mark), .own(own)]
        if let statement { facts.append(.statement(position: statement.position, note: statement.note)) }
        facts.append(.rebuilding(isRebuilding))
        facts.append(.damaged(isDamaged))
        if let promise { facts.append(.promise(promise)) }
        for number in dataSegments.keys.sorted() {
            guard let pages = dataSegments[number] else { continue }
            facts.append(.dataSegmentAdded(number: number, pages: pages))
            if let runs = allocation[number], !runs.isEmpty { facts.append(.allocation(segment: number, runs: runs)) }
        }
        if !livePacked.isEmpty { facts.append(.livePacked(livePacked)) }
        return facts
    }
}
