package import Objects

/// Says in the server's log what happens to drives: one line when a drive goes, comes back, is being rebuilt or is whole again.
package struct DriveWatch {
    private enum State: Equatable {
        case whole, rebuilding
        case away(String)
    }
    private var states: [[State]] = []

    package init() {}

    /// Lines for what changed since the last call. The first call tells only what is not as it should be. `path` names a slot's directory.
    package mutating func lines(_ statuses: [SetStatus], path: (_ set: Int, _ slot: Int) -> String) -> [String] {
        var lines: [String] = []
        let now = statuses.map { status in status.slots.map(Self.state) }
        for (set, slots) in now.enumerated() {
            for (slot, state) in slots.enumerated() {
                let before = set < states.count && slot < states[set].count ? states[set][slot] : .whole
                guard state != before else { continue }
                let name = "\(path(set, slot)) (set \(set + 1), drive \(slot + 1))"
                switch (state, before) {
                case (.whole, .rebuilding): lines.append("\(name) is rebuilt: it holds everything again")
                case (.whole, _): lines.append("\(name) is back")
                case (.rebuilding, _): lines.append("\(name) is being rebuilt from the other drives")
                case (.away(let problem), _): lines.append("\(name) takes no part: \(problem)")
                }
            }
        }
        states = now
        return lines
    }

    private static func state(_ slot: SetStatus.Slot) -> State {
        if !slot.isHere { return .away(slot.problem ?? "its directory is not there, or holds something else") }
        return slot.isRebuilding ? .rebuilding : .whole
    }
}
