/// The place of a commit in an erasure set's replicated log: (epoch, sequence), compared as a pair.
///
/// Sequences are dense from 1 in each epoch. `.zero` lies before every commit. See Docs/design, the commit protocol.
package struct Position: Hashable, Comparable, Sendable {
    package var epoch: UInt64
    package var sequence: UInt64

    package static let zero = Position(epoch: 0, sequence: 0)
    package static let last = Position(epoch: .max, sequence: .max)

    @inlinable
    package init(epoch: UInt64, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    @inlinable
    package static func < (lhs: Position, rhs: Position) -> Bool {
        lhs.epoch == rhs.epoch ? lhs.sequence < rhs.sequence : lhs.epoch < rhs.epoch
    }
}

extension Position: CustomStringConvertible {
    package var description: String { "\(epoch).\(sequence)" }
}
