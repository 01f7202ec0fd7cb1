import KafkaTestCodecs

/// A request of a real client that a real broker has answered.
struct Exchange {
    /// For messages of failures.
    let place: String
    let file: String
    let apiKey: Int16
    let version: Int16
    let request: [UInt8]
    let response: [UInt8]

    /// Every one with this release, in the order of the files' names.
    static func all(release: String) -> [Exchange] {
        Vector.all(broker: release).compactMap(Exchange.init)
    }

    private init?(_ vector: Vector) {
        guard let apiKey = vector.apiKey, let response = vector.response else { return nil }
        place = vector.place
        file = vector.file
        self.apiKey = apiKey
        version = vector.apiVersion
        request = vector.request
        self.response = response
    }
}
