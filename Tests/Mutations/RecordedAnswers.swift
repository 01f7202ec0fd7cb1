import Bytes
import KafkaProtocol
import KafkaTestCodecs

/// What real brokers answered, from Tests/Vectors.
struct RecordedAnswers {
    /// A fetch that brought records, as a message, with each partition's records apart.
    struct Fetch {
        var version: Int16
        var response: FetchResponse
        /// One for each partition, in the order of the response.
        var sets: [[UInt8]]
    }

    private(set) var fetches: [Fetch] = []
    /// Frames by API key and version.
    private(set) var frames: [Int16: [Int16: [[UInt8]]]] = [:]

    init() {
        for vector in Vector.brokers.flatMap({ Vector.all(broker: $0) }) {
            guard let key = vector.apiKey, let frame = vector.response else { continue }
            frames[key, default: [:]][vector.apiVersion, default: []].append(frame)
            if key == FetchRequest.apiKey, let fetch = Self.fetch(frame, vector.apiVersion) {
                fetches.append(fetch)
            }
        }
    }

    private static func fetch(_ frame: [UInt8], _ version: Int16) -> Fetch? {
        guard FetchResponse.versions.contains(version) else { return nil }
        return frame.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            let isFlexible = FetchResponse.hasFlexibleHeader(version: version)
            guard (try? ResponseHeader.decode(&reader, flexible: isFlexible)) != nil,
                let response = try? FetchResponse.decode(&reader, version: version)
            else { return nil }
            let sets = response.responses.flatMap(\.partitions).map {
                $0.records?.bytes(of: bytes).map { [UInt8]($0) } ?? []
            }
            guard sets.contains(where: { !$0.isEmpty }) else { return nil }
            return Fetch(version: version, response: response, sets: sets)
        }
    }
}
