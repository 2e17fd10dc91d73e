import CLinux
import Glibc

/// What a process has used: CPU time, all its threads together, and resident memory.
package struct ProcessUsage: Sendable {
    package var cpuNanoseconds: UInt64
    package var residentBytes: Int
    package var peakBytes: Int

    /// nil when there is no such process.
    package init?(of process: Int32) {
        cpuNanoseconds = clinux_process_cpu_ns(process)
        guard cpuNanoseconds > 0 else { return nil }
        (residentBytes, peakBytes) = (0, 0)
        guard let file = fopen("/proc/\(process)/status", "r") else { return }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let words = text.split { $0 == " " || $0 == "\t" }
            guard words.count >= 2, let kilobytes = Int(words[1]) else { continue }
            if words[0] == "VmRSS:" { residentBytes = kilobytes << 10 }
            if words[0] == "VmHWM:" { peakBytes = kilobytes << 10 }
        }
    }

    /// Several processes of one server together; nil when one of them is not there, or there is none.
    package init?(of processes: [Int32]) {
        guard let first = processes.first, var sum = ProcessUsage(of: first) else { return nil }
        for process in processes.dropFirst() {
            guard let usage = ProcessUsage(of: process) else { return nil }
            sum.cpuNanoseconds += usage.cpuNanoseconds
            sum.residentBytes += usage.residentBytes
            sum.peakBytes += usage.peakBytes
        }
        self = sum
    }

    package static var own: ProcessUsage? { ProcessUsage(of: getpid()) }
}
