package import ObjectFormat

/// A set of slots of one erasure set: bit n for slot n.
package struct SlotMask: Hashable, Sendable {
    package var rawValue: UInt16

    package init(rawValue: UInt16 = 0) { self.rawValue = rawValue }
    package init(_ slots: some Sequence<Int>) {
        self.init()
        for slot in slots { insert(slot) }
    }
    /// The slots 0 ..< count.
    package static func first(_ count: Int) -> SlotMask { SlotMask(0..<count) }

    package var count: Int { rawValue.nonzeroBitCount }
    package var isEmpty: Bool { rawValue == 0 }
    /// In ascending order.
    package var slots: [Int] { (0..<16).filter(contains) }

    package func contains(_ slot: Int) -> Bool { rawValue & (1 << UInt16(slot)) != 0 }
    package mutating func insert(_ slot: Int) { rawValue |= 1 << UInt16(slot) }
    package mutating func remove(_ slot: Int) { rawValue &= ~(1 << UInt16(slot)) }

    package func union(_ other: SlotMask) -> SlotMask { SlotMask(rawValue: rawValue | other.rawValue) }
    package func intersection(_ other: SlotMask) -> SlotMask { SlotMask(rawValue: rawValue & other.rawValue) }
    package func subtracting(_ other: SlotMask) -> SlotMask { SlotMask(rawValue: rawValue & ~other.rawValue) }
    package func isSubset(of other: SlotMask) -> Bool { rawValue & ~other.rawValue == 0 }
}

extension SlotMask: CustomStringConvertible {
    package var description: String { slots.map(String.init).joined(separator: ",") }
}

/// The quorums of a set, which belong to the set whatever the layout of an object.
package struct Quorum: Hashable, Sendable {
    package let geometry: Geometry

    package init(_ geometry: Geometry) {
        precondition(
            geometry.data >= 1 && geometry.parity >= 0 && geometry.parity <= geometry.data
                && geometry.data + geometry.parity <= 16, "a set has 1 to 16 drives, at most half of them parity")
        self.geometry = geometry
    }

    package var drives: Int { geometry.data + geometry.parity }
    package var all: SlotMask { .first(drives) }
    /// Any two write quorums share a drive.
    package var write: Int { geometry.parity == geometry.data ? drives / 2 + 1 : drives - geometry.parity }
    /// Any `read` drives share one with each write quorum.
    package var read: Int { drives - write + 1 }

    /// On how many drives the data of a write must be durable when it is acknowledged (rule 1).
    package func acknowledges(copies: SlotMask?, durable: SlotMask) -> Bool {
        guard durable.count >= max(write, copies == nil ? geometry.data : 0) else { return false }
        guard let copies else { return true }
        return durable.intersection(copies).count >= max(1, geometry.parity)
    }

    /// The default parity for a number of drives: 0 for one, 1 for 2 and 3, 2 up to 5, 3 up to 7, else 4.
    package static func defaultParity(drives: Int) -> Int {
        switch drives {
        case ...1: 0
        case 2...3: 1
        case 4...5: 2
        case 6...7: 3
        default: 4
        }
    }
}
