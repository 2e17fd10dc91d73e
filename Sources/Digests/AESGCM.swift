import CDigests

/// AES-256 in Galois counter mode. A nonce is used once under a key.
package enum AESGCM {
    private static let tagBytes = 16

    /// Ciphertext and tag; nil when key or nonce has the wrong length.
    package static func seal(_ plain: [UInt8], key: [UInt8], nonce: [UInt8], authenticating bound: [UInt8]) -> [UInt8]?
    {
        guard key.count == 32, nonce.count == 12 else { return nil }
        var output = [UInt8](repeating: 0, count: plain.count + tagBytes), tag = [UInt8](repeating: 0, count: tagBytes)
        guard cdigests_aes256_gcm(1, key, nonce, bound, bound.count, plain, plain.count, &output, &tag) == 1 else {
            return nil
        }
        output.replaceSubrange(plain.count..., with: tag)
        return output
    }

    /// nil when the bytes were not sealed so.
    package static func open(_ sealed: [UInt8], key: [UInt8], nonce: [UInt8], authenticating bound: [UInt8]) -> [UInt8]?
    {
        guard key.count == 32, nonce.count == 12, sealed.count >= tagBytes else { return nil }
        let count = sealed.count - tagBytes
        var output = [UInt8](repeating: 0, count: sealed.count), tag = Array(sealed[count...])
        guard cdigests_aes256_gcm(0, key, nonce, bound, bound.count, sealed, count, &output, &tag) == 1 else {
            return nil
        }
        return Array(output[..<count])
    }
}
