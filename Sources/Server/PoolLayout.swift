package import ObjectFormat

/// How a number of drives is cut into erasure sets, and how much parity each has.
package struct PoolLayout: Hashable, Sendable {
    package var drives: Int
    package var setSize: Int

    package var sets: Int { drives / setSize }

    /// `setSize` overrides the largest divisor of the drive count that is at most 16.
    package init(drives: Int, setSize: Int?) throws(SettingsError) {
        guard drives > 0 else { throw SettingsError("no drives are named: give the server at least one directory") }
        self.drives = drives
        if let setSize {
            guard drives % setSize == 0 else {
                throw SettingsError(
                    "\(drives) drives can't be cut into sets of \(setSize): choose a divisor of \(drives)")
            }
            self.setSize = setSize
            return
        }
        guard let largest = (1...min(16, drives)).last(where: { drives % $0 == 0 }), largest > 1 || drives == 1 else {
            throw SettingsError(
                "\(drives) drives have no divisor from 2 to 16 to cut them into equal sets: add or leave out a drive")
        }
        self.setSize = largest
    }

    /// Default parity: none for one drive, then about half up to seven drives, four from eight on.
    package var geometry: Geometry {
        let parity =
            switch setSize {
            case 1: 0
            case 2, 3: 1
            case 4, 5: 2
            case 6, 7: 3
            default: 4
            }
        return Geometry(data: setSize - parity, parity: parity)
    }
}
