import Base
import Glibc
import Telemetry

/// Writes the access log's lines to a file or to standard error, a few times a second.
struct AccessLogWriter {
    private let descriptor: Int32

    /// `target` is a path or `stderr`.
    init(_ target: String) throws(SettingsError) {
        if target == "stderr" {
            descriptor = STDERR_FILENO
            return
        }
        let opened = fopen(target, "a")
        guard let opened else {
            throw SettingsError("the access log \(target) can't be opened: \(String(cString: strerror(errno)))")
        }
        descriptor = fileno(opened)
    }

    func run(_ log: AccessLog, executor: any PinnedExecutor) async {
        var isEnding = false
        while !isEnding {
            do { try await executor.sleep(for: .milliseconds(200)) } catch { isEnding = true }
            var rest = log.take()[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                // A log that can't be written must not stop the store; the lines are lost.
                guard count > 0 else { break }
                rest = rest.dropFirst(count)
            }
        }
    }
}
