import Base
import Drives

/// How far the comparison of a rebuilding drive has come (rule 12).
struct RebuildProgress {
    /// Everything decided up to here is held when the comparison is through; what came later is in the change list.
    let began: Position
    /// Keys below it are done.
    var cursor: IndexKey
    var isCompared = false

    /// The change list's own range is the engine's; everything below it is compared.
    static let first = IndexKey([0x01])
    static let end = IndexKey([KeySpace.changes.rawValue])

    init(began: Position) {
        self.began = began
        cursor = Self.first
    }
}
