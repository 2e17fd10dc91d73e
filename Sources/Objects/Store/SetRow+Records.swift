import ObjectFormat

/// The records of rows, damage told by where it is.
extension SetRow {
    func bucket() throws(ObjectError) -> BucketRecord {
        do { return try BucketRecord(decoding: payload) } catch { throw ObjectError(error, in: self) }
    }

    func nullVersion() throws(ObjectError) -> NullVersionRecord {
        do { return try NullVersionRecord(decoding: payload) } catch { throw ObjectError(error, in: self) }
    }

    func part() throws(ObjectError) -> PartRecord {
        do { return try PartRecord(decoding: payload) } catch { throw ObjectError(error, in: self) }
    }

    func partMapPage() throws(ObjectError) -> PartMapPage {
        do { return try PartMapPage(decoding: payload) } catch { throw ObjectError(error, in: self) }
    }

    func partitionMap() throws(ObjectError) -> PartitionMap {
        do { return try PartitionMap(decoding: payload) } catch { throw ObjectError(error, in: self) }
    }

    func toFree() throws(ObjectError) -> ToFreeRecord {
        do { return try ToFreeRecord(decoding: payload) } catch { throw ObjectError(error, in: self) }
    }
}
