/// The version of this build; formats on disk carry versions of their own.
package enum Version {
    package static let number = "0.1.0"
    package static let text = "martlet \(number)"
}
