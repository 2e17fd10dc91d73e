import Digests
import ObjectFormat
import S3Protocol

// The names that S3 gives to values of the object layer.

extension ObjectFormat.ChecksumType {
    init(_ parsed: S3Protocol.ChecksumType) {
        switch parsed {
        case .fullObject: self = .fullObject
        case .composite: self = .composite
        }
    }

    var s3Name: String {
        switch self {
        case .fullObject: S3Protocol.ChecksumType.fullObject.rawValue
        case .composite: S3Protocol.ChecksumType.composite.rawValue
        }
    }
}

extension S3Protocol.ChecksumType {
    init(_ stored: ObjectFormat.ChecksumType) {
        switch stored {
        case .fullObject: self = .fullObject
        case .composite: self = .composite
        }
    }
}

extension S3Protocol.StorageClass {
    init(_ stored: ObjectFormat.StorageClass) {
        switch stored {
        case .standard: self = .standard
        case .reducedRedundancy: self = .reducedRedundancy
        }
    }
}

extension ObjectFormat.StorageClass {
    init(_ parsed: S3Protocol.StorageClass) {
        switch parsed {
        case .standard: self = .standard
        case .reducedRedundancy: self = .reducedRedundancy
        }
    }

    var s3Name: String {
        switch self {
        case .standard: S3Protocol.StorageClass.standard.rawValue
        case .reducedRedundancy: S3Protocol.StorageClass.reducedRedundancy.rawValue
        }
    }
}

extension ObjectChecksum {
    init(_ parsed: ChecksumValue) {
        self.init(
            algorithm: parsed.algorithm, type: parsed.partCount == nil ? .fullObject : .composite, value: parsed.bytes,
            partCount: parsed.partCount ?? 0)
    }
}

extension ChecksumValue {
    init(_ stored: ObjectChecksum) {
        self.init(
            algorithm: stored.algorithm, bytes: stored.value,
            partCount: stored.type == .composite ? stored.partCount : nil)
    }
}
