import Bytes
import Compression
import KafkaCore
import KafkaMirror
import KafkaProtocol
import SASL
import Timing

/// Fetches of 1 MB of 100-byte records, from the response's bytes to `KafkaMessage` bytes in the
/// cache: CRC, decompression, trimming. Only the client's calls are timed.
struct DecodeBenchmark {
    static let valueBytes = 100
    static let batches = 10
    static let recordsPerBatch = 950
    static var recordsPerFetch: Int { batches * recordsPerBatch }

    private let cluster: Cluster
    private let connectionIDs = BrokerConnectionIDs()
    private var frame: [UInt8]
    private let batchPlaces: [Int]
    private var offset: Int64 = 0
    private var token: UInt64 = 0
    private(set) var nanoseconds: UInt64 = 0
    private(set) var records = 0

    init(_ codec: Codec) throws {
        var settings = ClusterSettings(bootstrap: [Endpoint(host: "b", port: 9092)])
        settings.pointConnectionsPerBroker = 1
        cluster = Cluster(
            settings: settings, cache: LogCache(), random: SeededRandom(seed: 1),
            nonces: .secure, connectionIDs: connectionIDs)
        let set = try DecodeBenchmark.recordSet(codec)
        (frame, batchPlaces) = DecodeBenchmark.response(set.bytes, set.places)
    }

    /// One read of all records of a response.
    mutating func fetch() {
        token += 1
        var effects: [ClusterEffect] = []
        let request = ReadRequest(topic: "t", partition: 0, offset: offset, maxBytes: 8 << 20)
        cluster.read(ReadToken(raw: token), request, now: .zero, &effects)
        while true {
            while cluster.hasWork { time { $0.work(budgetBytes: 1 << 20, now: .zero, &effects) } }
            guard !effects.isEmpty else { break }
            let due = effects
            effects = []
            for effect in due { perform(effect, &effects) }
        }
        offset += Int64(Self.recordsPerFetch)
    }

    private mutating func perform(_ effect: ClusterEffect, _ effects: inout [ClusterEffect]) {
        switch effect {
        case .connect(let id, _, _): cluster.opened(id, now: .zero, &effects)
        case .send(let id, let block): answer(id, block, &effects)
        case .readFinished(_, .records(let slice)): records += slice.recordCount
        case .readFinished(_, let outcome): fatalError("\(outcome)")
        case .log(let level, let text): if level > .info { fatalError(text) }
        default: break
        }
    }

    private mutating func answer(
        _ id: BrokerConnectionID, _ block: ByteBlock, _ effects: inout [ClusterEffect]
    ) {
        var reader = ByteReader(block.bytes)
        _ = try? reader.skip(4)
        guard let header = try? RequestHeader.decode(&reader) else { fatalError("no header") }
        switch header.apiKey {
        case 18: receive(id, Self.versions(header), &effects)
        case 3: receive(id, Self.metadata(header), &effects)
        default: receiveRecords(id, header, &effects)
        }
    }

    private func receive(
        _ id: BrokerConnectionID, _ frame: [UInt8], _ effects: inout [ClusterEffect]
    ) {
        frame.withUnsafeBytes { cluster.received(id, $0, now: .zero, &effects) }
    }

    /// As a driver does it: the first piece, then straight into the client's block.
    private mutating func receiveRecords(
        _ id: BrokerConnectionID, _ header: RequestHeader, _ effects: inout [ClusterEffect]
    ) {
        prepare(header.correlationID)
        let frame = frame
        frame.withUnsafeBytes { bytes in
            let first = UnsafeRawBufferPointer(rebasing: bytes[..<4096])
            time { $0.received(id, first, now: .zero, &effects) }
            guard let space = cluster.receiveSpace(id) else { fatalError("no space") }
            space.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[4096...]))
            time { $0.didReceive(id, bytes.count - 4096, now: .zero, &effects) }
        }
    }

    /// The correlation id, and base offsets that go on: neither is covered by a checksum.
    private mutating func prepare(_ correlationID: Int32) {
        let (offset, places) = (offset, batchPlaces)
        frame.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: correlationID.bigEndian, toByteOffset: 4, as: Int32.self)
            for (number, place) in places.enumerated() {
                let base = offset + Int64(number * Self.recordsPerBatch)
                bytes.storeBytes(of: base.bigEndian, toByteOffset: place, as: Int64.self)
            }
        }
    }

    private mutating func time(_ body: (Cluster) -> Void) {
        let start = threadNanoseconds()
        body(cluster)
        nanoseconds += threadNanoseconds() - start
    }
}
