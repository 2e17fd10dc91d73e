/// `martlet doctor`: looks at the machine and the drives and says what to do. Changes nothing but a probe file that it removes.
package enum Doctor {
    package static func examine(drives: [String], settings: Settings) -> [Finding] {
        var findings = MachineChecks.all(settings: settings)
        for drive in drives { findings += DriveChecks.all(drive) }
        if let shared = DriveChecks.sharedDevices(drives) { findings.append(shared) }
        return findings
    }
}
