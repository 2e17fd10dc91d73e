import Glibc

extension DriveIOError {
    /// What an errno of a file call means to the engine. ENOSPC and EDQUOT are back-pressure (rule 18), whichever call met them.
    package init(errno code: Int32, call: String, path: String) {
        switch code {
        case ENOENT: self = .notFound(path: path)
        case EEXIST: self = .exists(path: path)
        case ENOSPC, EDQUOT: self = .noSpace(path: path)
        default: self = .system(call: call, path: path, errno: code)
        }
    }
}
