/// The body of DeleteObjects: 1 to 1,000 objects.
package struct DeleteObjectsRequest: Hashable, Sendable {
    package static let objectsMax = 1000

    package struct Object: Hashable, Sendable {
        package var key: [UInt8]
        package var versionID: String?
        package var conditions: DeleteConditions

        package init(key: [UInt8], versionID: String? = nil, conditions: DeleteConditions = DeleteConditions()) {
            self.key = key
            self.versionID = versionID
            self.conditions = conditions
        }
    }

    package var objects: [Object]
    /// Only failures are answered.
    package var isQuiet: Bool

    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body, limits: .longLists)
        try root.expect("Delete", children: ["Object", "Quiet"])
        isQuiet = try root.boolean("Quiet") ?? false
        let elements = root.children(named: "Object")
        guard (1...Self.objectsMax).contains(elements.count) else { throw S3Error(.malformedXML) }
        objects = []
        objects.reserveCapacity(elements.count)
        for element in elements { objects.append(try Self.object(element)) }
    }

    private static func object(_ element: XMLElement) throws(S3Error) -> Object {
        try element.expect("Object", children: ["Key", "VersionId", "ETag", "LastModifiedTime", "Size"])
        let key = Array(try element.required("Key").utf8)
        guard !key.isEmpty else { throw S3Error(.malformedXML) }
        let conditions = DeleteConditions(
            ifMatch: try element.trimmed("ETag").map(ETagList.init(parsing:)),
            lastModified: try element.timestamp("LastModifiedTime"), size: try element.integer("Size"))
        return Object(
            key: key, versionID: try element.trimmed("VersionId").flatMap { $0.isEmpty ? nil : $0 },
            conditions: conditions)
    }
}

/// The answer of DeleteObjects, in the order of the request.
package struct DeleteObjectsResult: Sendable {
    package enum Entry: Hashable, Sendable {
        case deleted(key: [UInt8], versionID: String?, deleteMarkerVersionID: String?)
        case failed(key: [UInt8], versionID: String?, S3Error)
    }

    package var entries: [Entry]
    package var isQuiet: Bool

    package init(entries: [Entry], isQuiet: Bool) {
        self.entries = entries
        self.isQuiet = isQuiet
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 256 + entries.count * 128)
        writer.openRoot("DeleteResult")
        for entry in entries { append(entry, to: &writer) }
        writer.close("DeleteResult")
        return writer.bytes
    }

    private func append(_ entry: Entry, to writer: inout XMLWriter) {
        switch entry {
        case .deleted(let key, let versionID, let markerID):
            if isQuiet { return }
            writer.open("Deleted")
            writer.element("Key", bytes: key)
            writer.element(ifPresent: "VersionId", versionID)
            if let markerID {
                writer.element("DeleteMarker", true)
                writer.element("DeleteMarkerVersionId", markerID)
            }
            writer.close("Deleted")
        case .failed(let key, let versionID, let error):
            writer.open("Error")
            writer.element("Key", bytes: key)
            writer.element(ifPresent: "VersionId", versionID)
            writer.element("Code", error.code.name)
            writer.element("Message", error.message)
            writer.close("Error")
        }
    }
}
