import CLinux
import Glibc

/// What the machine offers: kernel, io_uring, clock, congestion control, open files, ports.
enum MachineChecks {
    static func all(settings: Settings) -> [Finding] {
        [kernel(), ring(), clock(), congestion(settings), openFiles(), hugePages()] + ports(settings)
    }

    static func kernel() -> Finding {
        var names = utsname()
        guard uname(&names) == 0 else { return Finding(.advice, "kernel", "uname failed") }
        let release = withUnsafeBytes(of: names.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let numbers = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { return Finding(.advice, "kernel", release) }
        if (numbers[0], numbers[1]) < (5, 19) {
            return Finding(
                .advice, "kernel", "Linux \(release)",
                remedy: "5.19 or newer lets io_uring complete on the loop's own thread; older ones cost more CPU")
        }
        return Finding(.good, "kernel", "Linux \(release)")
    }

    static func ring() -> Finding {
        let code = clinux_probe_io_uring()
        switch code {
        case 0: return Finding(.good, "io_uring", "available")
        case ENOSYS:
            return Finding(
                .advice, "io_uring", "the kernel has none: file calls run on a thread pool",
                remedy: "use a kernel of 5.6 or newer for several times less CPU per write")
        case EPERM, EACCES:
            return Finding(
                .advice, "io_uring", "forbidden (\(text(code))): file calls run on a thread pool",
                remedy:
                    "allow io_uring_setup, io_uring_enter and io_uring_register in the container's seccomp profile, "
                    + "and set kernel.io_uring_disabled to 0")
        default:
            return Finding(.advice, "io_uring", "not usable (\(text(code))): file calls run on a thread pool")
        }
    }

    static func clock() -> Finding {
        let state = clinux_clock_is_synchronised()
        if state == 1 { return Finding(.good, "clock", "synchronised") }
        return Finding(
            .advice, "clock", "the kernel does not say that it is synchronised",
            remedy: "run chrony or systemd-timesyncd: signatures more than 15 minutes off are refused")
    }

    static func congestion(_ settings: Settings) -> Finding {
        let current = SmallFile.read("/proc/sys/net/ipv4/tcp_congestion_control")?.trimmedLine ?? "unknown"
        let available = SmallFile.read("/proc/sys/net/ipv4/tcp_available_congestion_control")?.trimmedLine ?? ""
        let names = available.split(separator: " ").map(String.init)
        if let wanted = settings.congestionControl, !names.contains(wanted) {
            return Finding(
                .bad, "congestion control", "\(wanted) is set, the system has \(available)",
                remedy: "choose one that the system has, or load its module")
        }
        if current == "bbr", settings.congestionControl == nil, !names.contains("cubic") {
            return Finding(
                .advice, "congestion control", "bbr, and no cubic",
                remedy: "on fast local networks BBR costs about twice the CPU for downloads: modprobe tcp_cubic")
        }
        return Finding(.good, "congestion control", "system \(current), available \(available)")
    }

    static func openFiles() -> Finding {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(7), &limit) == 0 else { return Finding(.advice, "open files", "unknown") }
        if limit.rlim_cur < 16_384 {
            return Finding(
                .advice, "open files", "at most \(limit.rlim_cur)", remedy: "raise it to 65536 (ulimit -n, LimitNOFILE)"
            )
        }
        return Finding(.good, "open files", "at most \(limit.rlim_cur)")
    }

    static func hugePages() -> Finding {
        let text = SmallFile.read("/sys/kernel/mm/transparent_hugepage/enabled")?.trimmedLine ?? "unknown"
        if text.contains("[never]") {
            return Finding(
                .advice, "huge pages", "never",
                remedy:
                    "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled: direct writes then cost a quarter of the CPU"
            )
        }
        return Finding(.good, "huge pages", text)
    }

    static func ports(_ settings: Settings) -> [Finding] {
        [("S3 port", settings.address, "--address"), ("ops port", settings.opsAddress, "--ops-address")].map {
            name, address, flag in
            guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...])
            else {
                return Finding(.bad, name, "\(address) is not HOST:PORT", remedy: "write it like 0.0.0.0:9000")
            }
            guard port != 0 else { return Finding(.good, name, "any free one") }
            let code = clinux_probe_tcp_port(port)
            if code == 0 { return Finding(.good, name, "\(port) is free") }
            return Finding(
                .advice, name, "\(port): \(text(code))",
                remedy: "stop what listens there, or choose another with \(flag)")
        }
    }

    static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}

extension String {
    /// The first line without white space around it.
    var trimmedLine: String { String(prefix { $0 != "\n" }[...].trimmed) }
}
