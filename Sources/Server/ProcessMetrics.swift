import Base
import Glibc
import Telemetry

/// The process in the names that every Prometheus client library uses.
struct ProcessMetrics: Sendable {
    let started: Timestamp

    func render(into text: inout PrometheusText) {
        text.family("martlet_build_info", .gauge, "1, with the version of the running program.")
        text.sample([("version", Version.number)], 1)
        text.family("process_start_time_seconds", .gauge, "When the process started, in seconds since 1970.")
        text.sample([], started.seconds)
        var usage = rusage()
        // Without an answer the family is left out: zeros would look like a restart.
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            text.family("process_cpu_seconds_total", .counter, "CPU time, user and system.")
            let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            text.sample([], seconds + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6)
        }
        // Pages: total, then resident.
        if let pages = SmallFile.read("/proc/self/statm")?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        {
            text.family("process_resident_memory_bytes", .gauge, "Resident memory.")
            text.sample([], pages * sysconf(Int32(_SC_PAGESIZE)))
        }
        if let directory = opendir("/proc/self/fd") {
            var count = 0
            while readdir(directory) != nil { count += 1 }
            closedir(directory)
            text.family("process_open_fds", .gauge, "Open file descriptors.")
            // Without "." and "..", and without the directory itself.
            text.sample([], max(0, count - 3))
        }
    }
}
