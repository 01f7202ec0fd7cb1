import Bytes
import KafkaMirror
import KafkaProtocol
import Timing

/// What the broker of a scene answers: as a real one did, or with something changed in it.
struct Answers {
    let recorded: RecordedAnswers
    let fetch: RecordedAnswers.Fetch
    private let hasTransactionsV2: Bool
    var random: SeededRandom
    private(set) var mutated = 0

    init(_ recorded: RecordedAnswers, _ random: inout SeededRandom) {
        self.recorded = recorded
        fetch = random.one(of: recorded.fetches)
        hasTransactionsV2 = random.once(in: 2)
        self.random = SeededRandom(seed: random.next())
    }

    /// From version 13 on topics have no name in a fetch.
    func name(_ topic: FetchResponse.Topic) -> String {
        topic.topic.isEmpty ? "topic-\(topic.topicID.low & 0xff)" : topic.topic
    }

    /// The frame behind its length.
    /// - Parameter request: behind its header.
    mutating func frame(_ header: RequestHeader, _ request: ByteReader) -> [UInt8] {
        if Self.producing.contains(header.apiKey) { return producedFrame(header, request) }
        let isFetch = header.apiKey == FetchRequest.apiKey
        // Most answers of the set-up are good, or nothing would be fetched.
        guard isFetch ? !random.once(in: 16) : random.once(in: 12) else {
            return good(header)
        }
        mutated += 1
        if isFetch, !random.once(in: 8) {
            return random.once(in: 4) ? fieldsChanged(header) : recordsChanged(header)
        }
        if header.apiKey == ListOffsetsRequest.apiKey, random.once(in: 2) {
            return listed(header) { $0.extreme() }
        }
        var frame = random.once(in: 2) ? good(header) : other(header)
        FrameMutation.damage(&frame, in: min(4, frame.count)..<frame.count, &random)
        if random.once(in: 4) { FrameMutation.shift(&frame, from: 4, &random) }
        return frame
    }

    /// Most are good: a producer that is refused for good asks for nothing more.
    private mutating func producedFrame(
        _ header: RequestHeader, _ request: ByteReader
    ) -> [UInt8] {
        guard random.once(in: 6) else { return produced(header, request, isChanged: false) }
        mutated += 1
        if random.once(in: 2) { return produced(header, request, isChanged: true) }
        var frame =
            random.once(in: 2)
            ? produced(header, request, isChanged: false) : other(header, request)
        FrameMutation.damage(&frame, in: min(4, frame.count)..<frame.count, &random)
        if random.once(in: 4) { FrameMutation.shift(&frame, from: 4, &random) }
        return frame
    }

    private mutating func other(_ header: RequestHeader, _ request: ByteReader) -> [UInt8] {
        guard recorded.frames[header.apiKey]?[header.apiVersion] != nil else {
            return produced(header, request, isChanged: false)
        }
        return other(header)
    }

    /// What some broker answered to such a request.
    private mutating func other(_ header: RequestHeader) -> [UInt8] {
        guard let frames = recorded.frames[header.apiKey]?[header.apiVersion] else {
            return good(header)
        }
        var frame = random.one(of: frames)
        FrameMutation.put(Int64(header.correlationID), 4, at: 0, in: frame.indices, of: &frame)
        return frame
    }

    func encoded(
        _ header: RequestHeader, _ body: (inout ByteWriter) -> Void
    ) -> [UInt8] {
        var writer = ByteWriter()
        let api = KafkaAPI.with(key: header.apiKey)
        ResponseHeader(correlationID: header.correlationID).encode(
            &writer,
            flexible: api?.hasFlexibleResponseHeader(version: header.apiVersion) ?? false)
        body(&writer)
        return writer.array
    }

    // MARK: As it should be

    private mutating func good(_ header: RequestHeader) -> [UInt8] {
        let version = header.apiVersion
        switch header.apiKey {
        case ApiVersionsRequest.apiKey:
            return encoded(header) { apiVersions.encode(&$0, version: version) }
        case MetadataRequest.apiKey:
            return encoded(header) { metadata.encode(&$0, version: version) }
        case ListOffsetsRequest.apiKey: return listed(header) { Int64($0.below(100)) }
        case FetchRequest.apiKey: return encoded(header, fetch.response, fetch.sets)
        case SaslHandshakeRequest.apiKey:
            return encoded(header) {
                SaslHandshakeResponse(mechanisms: ["PLAIN"]).encode(&$0, version: version)
            }
        default:
            let lifetime = random.extreme()
            return encoded(header) {
                SaslAuthenticateResponse(sessionLifetimeMilliseconds: lifetime)
                    .encode(&$0, version: version)
            }
        }
    }

    private var apiVersions: ApiVersionsResponse {
        let ranges: [(Int16, Int16)] = [
            (FetchRequest.apiKey, fetch.version), (ListOffsetsRequest.apiKey, 10),
            (MetadataRequest.apiKey, 12), (SaslHandshakeRequest.apiKey, 1),
            (SaslAuthenticateRequest.apiKey, 2), (ApiVersionsRequest.apiKey, 4),
        ]
        var response = ApiVersionsResponse(
            apiKeys: (ranges + Self.producingRanges).map {
                ApiVersionsResponse.Key(apiKey: $0.0, minVersion: 0, maxVersion: $0.1)
            })
        guard hasTransactionsV2 else { return response }
        response.finalizedFeaturesEpoch = 1
        response.finalizedFeatures = [
            ApiVersionsResponse.FinalizedFeature(
                name: "transaction.version", maxVersionLevel: 2, minVersionLevel: 2)
        ]
        return response
    }

    private var metadata: MetadataResponse {
        MetadataResponse(
            brokers: [MetadataResponse.Broker(nodeID: 1, host: "b", port: 9092)],
            topics: fetch.response.responses.map { topic in
                MetadataResponse.Topic(
                    name: name(topic), topicID: topic.topicID,
                    partitions: topic.partitions.map {
                        MetadataResponse.Partition(
                            partitionIndex: $0.partitionIndex, leaderID: 1, leaderEpoch: 0)
                    })
            })
    }

    private mutating func listed(
        _ header: RequestHeader, _ offset: (inout SeededRandom) -> Int64
    ) -> [UInt8] {
        let topics = fetch.response.responses.map { topic in
            ListOffsetsResponse.Topic(
                name: name(topic),
                partitions: topic.partitions.map {
                    ListOffsetsResponse.Partition(
                        partitionIndex: $0.partitionIndex, timestamp: offset(&random),
                        offset: offset(&random),
                        leaderEpoch: Int32(truncatingIfNeeded: offset(&random)))
                })
        }
        return encoded(header) {
            ListOffsetsResponse(topics: topics).encode(&$0, version: header.apiVersion)
        }
    }

    private func encoded(
        _ header: RequestHeader, _ response: FetchResponse, _ sets: [[UInt8]]
    ) -> [UInt8] {
        var response = response
        var all: [UInt8] = []
        var number = 0
        for topic in response.responses.indices {
            response.responses[topic].topic = name(response.responses[topic])
            for place in response.responses[topic].partitions.indices {
                response.responses[topic].partitions[place].records = KafkaBytes(
                    offset: all.count, count: sets[number].count)
                all += sets[number]
                number += 1
            }
        }
        return encoded(header) { writer in
            all.withUnsafeBytes {
                response.encode(&writer, version: header.apiVersion, records: $0)
            }
        }
    }

    // MARK: Changed

    private mutating func recordsChanged(_ header: RequestHeader) -> [UInt8] {
        var sets = fetch.sets
        for number in sets.indices where !sets[number].isEmpty {
            sets[number] = RecordSetMutation.mutated(sets[number], &random)
        }
        return encoded(header, fetch.response, sets)
    }

    private mutating func fieldsChanged(_ header: RequestHeader) -> [UInt8] {
        var response = fetch.response
        for _ in 0...random.below(3) { change(&response) }
        var sets = fetch.sets
        if random.once(in: 2) {
            sets = sets.map { $0.isEmpty ? $0 : RecordSetMutation.mutated($0, &random) }
        }
        return encoded(header, response, sets)
    }

    private mutating func change(_ response: inout FetchResponse) {
        let number = Int32(truncatingIfNeeded: random.extreme())
        switch random.below(8) {
        case 0: response.throttleTimeMilliseconds = random.once(in: 2) ? number : 5
        case 1: response.errorCode = Int16(random.below(130)) - 2
        case 2: response.sessionID = number
        case 3:
            response.nodeEndpoints = [
                FetchResponse.NodeEndpoint(nodeID: 2, host: "c", port: number)
            ]
        default:
            guard !response.responses.isEmpty else { return }
            let topic = random.below(response.responses.count)
            guard !response.responses[topic].partitions.isEmpty else { return }
            let place = random.below(response.responses[topic].partitions.count)
            change(&response.responses[topic].partitions[place], number)
        }
    }

    private mutating func change(_ partition: inout FetchResponse.Partition, _ number: Int32) {
        switch random.below(9) {
        case 0:
            partition.errorCode = random.one(of: [1, 3, 6, 9, 74, 75, 76, 78, 100, 103, number16])
        case 1: partition.highWatermark = random.extreme()
        case 2: partition.lastStableOffset = random.extreme()
        case 3: partition.logStartOffset = random.extreme()
        case 4:
            partition.divergingEpoch = FetchResponse.EpochEndOffset(
                epoch: number, endOffset: random.extreme())
        case 5:
            partition.currentLeader = FetchResponse.Leader(
                leaderID: random.one(of: [1, 2, number]), leaderEpoch: number)
        case 6:
            partition.abortedTransactions = (0...random.below(3)).map { _ in
                FetchResponse.AbortedTransaction(
                    producerID: random.extreme(), firstOffset: random.extreme())
            }
        case 7: partition.preferredReadReplica = number
        default: partition.partitionIndex = number
        }
    }

    private var number16: Int16 { mutating get { Int16(truncatingIfNeeded: random.next()) } }
}
