import Base

/// The names in x-amz-trailer.
enum TrailerNames {
    /// Lower-case names in the order sent. Anything but a checksum is refused, as AWS does.
    static func parse(_ head: RequestHead) throws(S3Error) -> [String] {
        guard let text = head.value("x-amz-trailer") else { return [] }
        var names: [String] = []
        for piece in text.split(separator: ",") {
            let name = piece.trimmingSpaces().lowercased()
            guard !name.isEmpty else { continue }
            guard name.hasPrefix("x-amz-checksum-"), !names.contains(name), names.count < 4 else {
                throw S3Error(
                    .invalidRequest, "The value specified in the x-amz-trailer header is not supported")
            }
            names.append(name)
        }
        return names
    }
}
