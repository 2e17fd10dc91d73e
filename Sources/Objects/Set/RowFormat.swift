import Base
package import ObjectFormat

/// What the set appends to every payload that it stores on a drive: the layout of the data attached to the row itself, so that
/// repair never has to read version records. Docs/formats/set-row.md.
package enum RowFormat {
    private enum Tag: UInt8 { case none = 0, copies = 1, packed = 2, coded = 3 }

    /// `payload`, followed by the fields of `layout` and, last, its tag.
    package static func encode(_ payload: [UInt8], attached layout: DataLayout?) -> [UInt8] {
        var writer = NoteWriter(bytes: payload)
        switch layout {
        case nil, .empty:
            writer.put(Tag.none.rawValue)
        case .copies(let count, let slots):
            writer.put(count)
            writer.put(SlotMask(slots.map(Int.init)).rawValue)
            writer.put(Tag.copies.rawValue)
        case .packed(let count, let geometry, let rotation):
            writer.put(count)
            writer.put(UInt8(geometry.data))
            writer.put(UInt8(geometry.parity))
            writer.put(rotation)
            writer.put(Tag.packed.rawValue)
        case .coded(let count, let geometry, let rotation, let blockBytes, let id):
            writer.put(count)
            writer.put(UInt8(geometry.data))
            writer.put(UInt8(geometry.parity))
            writer.put(rotation)
            writer.put(blockBytes)
            writer.put(id)
            writer.put(Tag.coded.rawValue)
        }
        return writer.bytes
    }

    /// The payload without the trailer, and the layout of what is attached; nil for bytes that end in no such trailer.
    package static func decode(_ stored: [UInt8]) -> (payload: [UInt8], attached: DataLayout?)? {
        guard let last = stored.last, let tag = Tag(rawValue: last) else { return nil }
        let fields: Int
        switch tag {
        case .none: return (Array(stored.dropLast()), nil)
        case .copies: fields = 10
        case .packed: fields = 11
        case .coded: fields = 31
        }
        let start = stored.count - 1 - fields
        guard start >= 0 else { return nil }
        var reader = NoteReader(stored, from: start)
        guard let count = reader.take(Int64.self), count >= 0 else { return nil }
        let payload = Array(stored[..<start])
        if tag == .copies {
            guard let mask = reader.take(UInt16.self) else { return nil }
            return (payload, .copies(count: count, slots: SlotMask(rawValue: mask).slots.map(UInt8.init)))
        }
        guard let data = reader.take(UInt8.self), let parity = reader.take(UInt8.self),
            let rotation = reader.take(UInt8.self), (1...16).contains(data), parity <= data, data + parity <= 16
        else { return nil }
        let geometry = Geometry(data: Int(data), parity: Int(parity))
        if tag == .packed { return (payload, .packed(count: count, geometry: geometry, rotation: rotation)) }
        guard let blockBytes = reader.take(Int32.self), blockBytes > 0, let id = reader.uniqueID() else { return nil }
        return (
            payload,
            .coded(count: count, geometry: geometry, rotation: rotation, blockBytes: blockBytes, id: id)
        )
    }

    /// The bytes of the payload alone, for readers to whom the layout does not matter; nil for bytes that end in no such trailer.
    package static func payloadCount(of stored: ArraySlice<UInt8>) -> Int? {
        guard let last = stored.last, let tag = Tag(rawValue: last) else { return nil }
        let fields =
            switch tag {
            case .none: 0
            case .copies: 10
            case .packed: 11
            case .coded: 31
            }
        let count = stored.count - 1 - fields
        return count >= 0 ? count : nil
    }

    /// How many shares the data needs, and which slots have one.
    package static func shares(of layout: DataLayout, in all: SlotMask) -> (needed: Int, on: SlotMask) {
        switch layout {
        case .empty: (0, SlotMask())
        case .copies(_, let slots): (1, SlotMask(slots.map(Int.init)))
        case .packed(_, let geometry, _), .coded(_, let geometry, _, _, _): (geometry.data, all)
        }
    }
}
