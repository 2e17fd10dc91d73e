package import Drives

extension ErasureSet {
    /// What each slot's drive says of itself; nil for one that is not open.
    package var driveStatistics: [DriveStatistics?] {
        get async {
            var all: [DriveStatistics?] = []
            for slot in slots {
                if let drive = slot.drive { all.append(await drive.statistics()) } else { all.append(nil) }
            }
            return all
        }
    }
}
