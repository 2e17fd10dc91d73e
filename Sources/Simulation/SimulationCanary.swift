package import Drives
package import Objects

/// A rule of the commit protocol switched off, to prove that a checker sees it.
package enum SimulationCanary: Hashable, Sendable {
    case set(BrokenRule)
    case drive(BrokenDriveRule)

    package static var all: [SimulationCanary] {
        BrokenRule.allCases.map(SimulationCanary.set) + BrokenDriveRule.allCases.map(SimulationCanary.drive)
    }

    package var name: String {
        switch self {
        case .set(let rule): rule.rawValue
        case .drive(let rule): rule.rawValue
        }
    }

    package init?(name: String) {
        guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}
