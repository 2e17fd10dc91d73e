package import Base
package import Drives
import Glibc

/// Which directory is which drive of the pool: found out before anything is opened, so that a server never starts on drives that
/// are foreign, swapped between pools, named twice or too few.
package struct DrivePlaces: Sendable {
    package struct Place: Hashable, Sendable {
        package var path: String
        package var identity: DriveIdentity
        /// False for a drive that is not there now: its place is kept, and it may come back.
        package var isHere: Bool
    }

    package enum Found: Sendable {
        case missing
        case blank
        case drive(DriveIdentity)
    }

    package var deployment: UniqueID
    /// By set and slot.
    package var places: [[Place]]
    /// Blank directories that become drives now.
    package var toFormat: [Place] = []

    /// Puts each directory into its place: drives where their identity says, blank and missing ones into the free places, in order.
    package init(
        _ found: [(path: String, found: Found)], layout: PoolLayout, random: any RandomSource
    ) throws(SettingsError) {
        let known = found.compactMap { entry -> (String, DriveIdentity)? in
            guard case .drive(let identity) = entry.found else { return nil }
            return (entry.path, identity)
        }
        let deployment = known.first?.1.deployment ?? UniqueID(random: random)
        var grid: [[Place?]] = Array(
            repeating: Array(repeating: nil, count: layout.setSize), count: layout.sets)
        for (path, identity) in known {
            guard identity.deployment == deployment else {
                throw SettingsError(
                    "\(path) belongs to deployment \(identity.deployment), \(known[0].0) to \(deployment): "
                        + "a foreign drive is not touched; name only drives of one deployment")
            }
            guard identity.set < layout.sets, identity.slot < layout.setSize else {
                throw SettingsError(
                    "\(path) is drive \(identity.slot + 1) of set \(identity.set + 1), but \(layout.drives) drives in sets of "
                        + "\(layout.setSize) were named: name all drives of the deployment, and the set size that it was made with"
                )
            }
            if let other = grid[identity.set][identity.slot] {
                throw SettingsError(
                    other.identity.drive == identity.drive
                        ? "\(path) and \(other.path) hold the same drive \(identity.drive): one is a copy or named twice; leave it out"
                        : "\(path) and \(other.path) both claim set \(identity.set + 1), slot \(identity.slot + 1): leave out the "
                            + "one that was replaced")
            }
            grid[identity.set][identity.slot] = Place(path: path, identity: identity, isHere: true)
        }
        let free = grid.indices.flatMap { set in grid[set].indices.map { (set, $0) } }.filter {
            grid[$0.0][$0.1] == nil
        }
        let rest = found.filter { if case .drive = $0.found { false } else { true } }
        var toFormat: [Place] = []
        for ((set, slot), entry) in zip(free, rest) {
            var isBlank = false
            if case .blank = entry.found { isBlank = true }
            // A whole new pool also makes the directories that do not exist.
            let isNew = isBlank || known.isEmpty
            let identity = DriveIdentity(
                deployment: deployment, drive: UniqueID(random: random), pool: 0, set: set, slot: slot)
            let place = Place(path: entry.path, identity: identity, isHere: isNew)
            grid[set][slot] = place
            if isNew { toFormat.append(place) }
        }
        self.deployment = deployment
        self.toFormat = toFormat
        places = grid.map { $0.compactMap { $0 } }
    }
}
