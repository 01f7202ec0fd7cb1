import Bytes
import KafkaMirror
import KafkaProtocol
import KafkaTestCodecs
import Testing

/// What a broken or hostile peer may send: every decoder throws, none traps, none allocates more
/// than what it was sent justifies.
@Suite struct HostileMessageTests {
    @Test(arguments: Vector.brokers) func everyTruncationIsAnError(broker: String) throws {
        var cut = 0
        for sample in Sample.all(broker: broker) {
            sample.body.withUnsafeBytes { body in
                for count in 0..<body.count {
                    let part = UnsafeRawBufferPointer(rebasing: body[..<count])
                    let read = try? sample.codec.decode(part, version: sample.version)
                    #expect(read == nil, "\(sample.place): \(count) of \(body.count) bytes")
                    cut += 1
                }
            }
        }
        #expect(cut > 3_000)
    }

    @Test(arguments: Vector.brokers) func noDamagedByteTraps(broker: String) throws {
        var refused = 0
        for sample in Sample.all(broker: broker) {
            for place in sample.body.indices {
                for value: UInt8 in [0, 1, 0x7f, 0x80, 0xff] {
                    var body = sample.body
                    body[place] = value
                    body.withUnsafeBytes { body in
                        let read = try? sample.codec.decode(body, version: sample.version)
                        refused += read == nil ? 1 : 0
                    }
                }
            }
        }
        #expect(refused > 3_000)
    }

    /// A body, and the error that reading it as a Fetch response of version 12 ends with.
    static let badFetches: [([UInt8], BytesError)] = [
        // A count of 2^32 - 2 topics, in a frame of a few bytes.
        (top + [0xff, 0xff, 0xff, 0xff, 0x0f], BytesError(.invalidLength, at: 10)),
        // Null where there has to be an array.
        (top + [0x00, 0x00], BytesError(.invalidLength, at: 10)),
        // Varints that do not end within five bytes, or do not fit 32 bits.
        (top + [UInt8](repeating: 0xff, count: 11), BytesError(.varintTooLong, at: 10)),
        (top + [0xff, 0xff, 0xff, 0xff, 0x1f], BytesError(.varintTooLong, at: 10)),
        // A topic's name: null, longer than the frame, not UTF-8. 32 bytes follow so that the
        // count of one topic is plausible.
        (top + [0x02, 0x00] + pad, BytesError(.invalidLength, at: 11)),
        (top + [0x02, 0x7f] + pad, BytesError(.truncated, at: 12)),
        (top + [0x02, 0x02, 0xff] + pad, BytesError(.invalidUTF8, at: 12)),
        // Tags: more of them than bytes, one that reaches beyond the frame.
        (top + [0x01, 0x7f], BytesError(.invalidLength, at: 11)),
        (top + [0x01, 0x01, 0x63, 0x05, 0x00], BytesError(.invalidLength, at: 13)),
    ]
    static let top: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    static let pad = [UInt8](repeating: 0, count: 32)

    @Test(arguments: badFetches.indices) func fetchResponses(index: Int) {
        let (body, expected) = Self.badFetches[index]
        #expect(error(body, version: 12) == expected)
    }

    @Test func anUnknownTagIsPassedOver() {
        #expect(error(Self.top + [0x01, 0x01, 0x63, 0x02, 1, 2], version: 12) == nil)
    }

    @Test func aKnownTagThatIsLongerOrShorterThanItSaysIsAnError() throws {
        var response = FetchResponse()
        response.nodeEndpoints = [.init(nodeID: 1, host: "a", port: 2)]
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        var good = response.encoded(version: 16, records: nothing)
        #expect(error(good, version: 16) == nil)
        // Zero topics, one tag, number 0, its size.
        let size = 13
        #expect(good[10...12] == [1, 1, 0])
        good[size] += 1
        #expect(error(good + [0], version: 16)?.reason == .invalidLength)
        good[size] -= 2
        #expect(error(good, version: 16)?.reason == .invalidLength)
    }

    @Test func negativeLengthsOfTheOlderForm() {
        // Version 4: throttle time, then a count of topics.
        #expect(error([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], version: 4) != nil)
        #expect(error([0, 0, 0, 0, 0x80, 0, 0, 0], version: 4) != nil)
        #expect(error([0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff], version: 4) != nil)
        #expect(error([0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff] + Self.pad, version: 4) != nil)
        #expect(error([0, 0, 0, 0, 0, 0, 0, 0], version: 4) == nil)
    }

    private func error(_ body: [UInt8], version: Int16) -> BytesError? {
        do {
            _ = try body.withUnsafeBytes { body in
                var r = ByteReader(body)
                return try FetchResponse.decode(&r, version: version)
            }
            return nil
        } catch {
            return error as? BytesError
        }
    }
}

/// A few messages of each API, version and direction.
private struct Sample {
    var place: String
    var codec: MessageCodec
    var version: Int16
    var body: [UInt8]

    static let bytesMax = 1_500

    static func all(broker: String) -> [Sample] {
        var samples: [String: Sample] = [:]
        for vector in Vector.all(broker: broker) {
            guard let key = vector.apiKey else { continue }
            let frames = [(true, vector.request)] + (vector.response.map { [(false, $0)] } ?? [])
            for (isRequest, frame) in frames {
                guard let codec = MessageCodec(key: key, isRequest: isRequest),
                    codec.decodes(vector.apiVersion),
                    let sample = Sample(vector, codec, frame)
                else { continue }
                let name = "\(key) \(isRequest) \(vector.apiVersion)"
                // The longest one that is not too long.
                if sample.body.count > samples[name]?.body.count ?? 0 { samples[name] = sample }
            }
        }
        return samples.keys.sorted().compactMap { samples[$0] }
    }

    init?(_ vector: Vector, _ codec: MessageCodec, _ frame: [UInt8]) {
        guard frame.count <= Sample.bytesMax else { return nil }
        let version = vector.apiVersion
        let body = frame.withUnsafeBytes { frame -> [UInt8]? in
            guard let start = try? codec.bodyStart(frame, version: version) else { return nil }
            let body = UnsafeRawBufferPointer(rebasing: frame[start...])
            // Refusals of a version are in the form of another one.
            return (try? codec.decode(body, version: version)) == nil ? nil : [UInt8](body)
        }
        guard let body else { return nil }
        self.init(place: vector.place, codec: codec, version: version, body: body)
    }

    init(place: String, codec: MessageCodec, version: Int16, body: [UInt8]) {
        self.place = place
        self.codec = codec
        self.version = version
        self.body = body
    }
}
