import AccessPolicy
import CSignOn

/// A public key of a provider (RFC 7517). Keys for other uses, and kinds that are not known, are left out when a set is read.
package struct JSONWebKey: Hashable, Sendable {
    enum Material: Hashable, Sendable {
        case rsa(modulus: [UInt8], exponent: [UInt8])
        case ec(curve: Int, x: [UInt8], y: [UInt8])
        case ed25519([UInt8])
    }

    package let id: String?
    /// The one algorithm that the key is for, when it says so.
    let algorithm: String?
    let material: Material

    init?(_ value: JSONValue) {
        if let use = value["use"], use.text != "sig" { return nil }
        if case .array(let operations)? = value["key_ops"], !operations.contains(.string("verify")) { return nil }
        id = value["kid"]?.text
        algorithm = value["alg"]?.text
        func bytes(_ name: String) -> [UInt8]? { value[name]?.text.flatMap { Base64URL.decode($0.utf8) } }
        switch value["kty"]?.text {
        case "RSA":
            guard let modulus = bytes("n"), let exponent = bytes("e"), modulus.count <= 1025, exponent.count <= 8 else {
                return nil
            }
            material = .rsa(modulus: modulus, exponent: exponent)
        case "EC":
            let curves = ["P-256": (256, 32), "P-384": (384, 48), "P-521": (521, 66)]
            guard let name = value["crv"]?.text, let (curve, width) = curves[name], let x = bytes("x"),
                let y = bytes("y"), x.count == width, y.count == width
            else { return nil }
            material = .ec(curve: curve, x: x, y: y)
        case "OKP":
            guard value["crv"]?.text == "Ed25519", let x = bytes("x"), x.count == 32 else { return nil }
            material = .ed25519(x)
        default: return nil
        }
    }

    package static let keysMax = 128

    /// Reads a key set; nil when it is none.
    package static func set(parsing bytes: [UInt8]) -> [JSONWebKey]? {
        // nil says that it can't be read.
        guard let root = try? JSONReader.parse(bytes), case .array(let values)? = root["keys"],
            values.count <= keysMax
        else { return nil }
        return values.compactMap(JSONWebKey.init)
    }

    /// Whether a token's header can mean this key: the algorithm is one for keys of its kind, and the ids are equal where both have one.
    package func fits(_ token: JSONWebToken) -> Bool {
        if let wanted = token.keyID, let id, wanted != id { return false }
        if let algorithm, algorithm != token.algorithm.rawValue { return false }
        switch (material, token.algorithm) {
        case (.rsa, .rs256), (.rsa, .rs384), (.rsa, .rs512), (.rsa, .ps256), (.rsa, .ps384), (.rsa, .ps512): return true
        case (.ec(256, _, _), .es256), (.ec(384, _, _), .es384), (.ec(521, _, _), .es512): return true
        case (.ed25519, .edDSA): return true
        default: return false
        }
    }

    package func verifies(_ token: JSONWebToken) -> Bool {
        guard fits(token) else { return false }
        let message = token.signed, signature = token.signature
        switch material {
        case .rsa(let modulus, let exponent):
            let (bits, isPSS): (Int32, Int32) =
                switch token.algorithm {
                case .rs256: (256, 0)
                case .rs384: (384, 0)
                case .rs512: (512, 0)
                case .ps256: (256, 1)
                case .ps384: (384, 1)
                case .ps512: (512, 1)
                case .es256, .es384, .es512, .edDSA: (0, 0)
                }
            return csignon_verify_rsa(
                modulus, modulus.count, exponent, exponent.count, bits, isPSS, message, message.count, signature,
                signature.count) == 1
        case .ec(let curve, let x, let y):
            return csignon_verify_ec(
                Int32(curve), x, y, x.count, message, message.count, signature, signature.count) == 1
        case .ed25519(let key):
            return signature.count == 64 && csignon_verify_ed25519(key, message, message.count, signature) == 1
        }
    }
}
