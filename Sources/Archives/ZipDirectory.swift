import CArchives

/// One file of a zip archive, as the archive's central directory tells of it.
package struct ZipMember: Hashable, Sendable {
    package var name: [UInt8]
    package var method: UInt16
    package var isEncrypted: Bool
    package var crc: UInt32
    package var storedSize: Int64
    package var size: Int64
    package var headerOffset: Int64

    package static let stored: UInt16 = 0
    package static let deflated: UInt16 = 8
}

/// Finds members of zip archives of which only pieces are read: the end, the central directory, one member's header.
package enum ZipDirectory {
    /// How much of the end must be read to find the directory: the end record with the longest comment, and the two of zip64.
    package static let tailBytes = 22 + 65_535 + 20 + 56
    package static let localHeaderBytes = 30

    package struct Place: Hashable, Sendable {
        package var offset: Int64
        package var byteCount: Int64
    }

    /// Where the central directory lies, from the last bytes of a file of `fileBytes`.
    package static func place(tail: [UInt8], fileBytes: Int64) throws(ArchiveError) -> Place {
        let wrong = ArchiveError.malformed("this is no zip archive")
        guard tail.count >= 22 else { throw wrong }
        var at = tail.count - 22
        while !(tail[at...].starts(with: [0x50, 0x4B, 5, 6]) && at + 22 + Int(uint16(tail, at + 20)) <= tail.count) {
            guard at > 0 else { throw wrong }
            at -= 1
        }
        var place = Place(offset: Int64(uint32(tail, at + 16)), byteCount: Int64(uint32(tail, at + 12)))
        if place.offset == 0xFFFF_FFFF || place.byteCount == 0xFFFF_FFFF || uint16(tail, at + 10) == 0xFFFF {
            guard at >= 20, tail[(at - 20)...].starts(with: [0x50, 0x4B, 6, 7]) else { throw wrong }
            let tailStart = fileBytes - Int64(tail.count)
            let record = int64(tail, at - 12) - tailStart
            guard record >= 0, record + 56 <= Int64(at), tail[Int(record)...].starts(with: [0x50, 0x4B, 6, 6]) else {
                throw .unsupported("the end of the zip archive is longer than is read")
            }
            place = Place(offset: int64(tail, Int(record) + 48), byteCount: int64(tail, Int(record) + 40))
        }
        guard place.offset >= 0, place.byteCount >= 0, place.offset <= fileBytes,
            place.byteCount <= fileBytes - place.offset
        else { throw .malformed("the directory of the zip archive lies outside of it") }
        return place
    }

    /// The members, in the order of the directory; ends when `visit` says so.
    package static func members(_ directory: [UInt8], _ visit: (ZipMember) -> Bool) throws(ArchiveError) {
        guard directory.isEmpty || directory.starts(with: [0x50, 0x4B, 1, 2]) else {
            throw .malformed("the directory of the zip archive is not where its end says")
        }
        var at = 0
        while at + 46 <= directory.count, directory[at...].starts(with: [0x50, 0x4B, 1, 2]) {
            let nameCount = Int(uint16(directory, at + 28)), extraCount = Int(uint16(directory, at + 30))
            let end = at + 46 + nameCount + extraCount + Int(uint16(directory, at + 32))
            guard end <= directory.count else { throw .malformed("the directory of the zip archive is cut") }
            var member = ZipMember(
                name: Array(directory[(at + 46)..<(at + 46 + nameCount)]), method: uint16(directory, at + 10),
                isEncrypted: uint16(directory, at + 8) & 1 != 0, crc: uint32(directory, at + 16),
                storedSize: Int64(uint32(directory, at + 20)), size: Int64(uint32(directory, at + 24)),
                headerOffset: Int64(uint32(directory, at + 42)))
            try widen(&member, directory[(at + 46 + nameCount)..<(at + 46 + nameCount + extraCount)])
            guard visit(member) else { return }
            at = end
        }
    }

    /// Sizes and places that did not fit 32 bits lie in the extra field 1, in this order, each only where it did not fit.
    private static func widen(_ member: inout ZipMember, _ extra: ArraySlice<UInt8>) throws(ArchiveError) {
        let bytes = Array(extra)
        var at = 0
        while at + 4 <= bytes.count {
            let count = Int(uint16(bytes, at + 2)), end = at + 4 + count
            guard end <= bytes.count else { return }
            if uint16(bytes, at) == 1 {
                var next = at + 4
                func take() throws(ArchiveError) -> Int64 {
                    guard next + 8 <= end else { throw .malformed("a zip64 field is cut") }
                    defer { next += 8 }
                    return int64(bytes, next)
                }
                if member.size == 0xFFFF_FFFF { member.size = try take() }
                if member.storedSize == 0xFFFF_FFFF { member.storedSize = try take() }
                if member.headerOffset == 0xFFFF_FFFF { member.headerOffset = try take() }
                guard member.size >= 0, member.storedSize >= 0, member.headerOffset >= 0 else {
                    throw .malformed("a zip64 field below zero")
                }
                return
            }
            at = end
        }
    }

    /// How far a member's bytes lie behind the beginning of its local header.
    package static func dataOffset(localHeader: [UInt8]) throws(ArchiveError) -> Int64 {
        guard localHeader.count == localHeaderBytes, localHeader.starts(with: [0x50, 0x4B, 3, 4]) else {
            throw .malformed("a member's header is not where the directory says")
        }
        return Int64(localHeaderBytes) + Int64(uint16(localHeader, 26)) + Int64(uint16(localHeader, 28))
    }

    package static func crc(_ crc: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        carchives_crc32(crc, bytes.baseAddress, bytes.count)
    }

    private static func uint16(_ bytes: [UInt8], _ at: Int) -> UInt16 { UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8 }

    private static func uint32(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        UInt32(uint16(bytes, at)) | UInt32(uint16(bytes, at + 2)) << 16
    }

    private static func int64(_ bytes: [UInt8], _ at: Int) -> Int64 {
        Int64(bitPattern: UInt64(uint32(bytes, at)) | UInt64(uint32(bytes, at + 4)) << 32)
    }
}
