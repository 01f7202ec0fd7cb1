import Bytes
import Compression
import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

@Suite struct BoundsTests {
    @Test("Trap 4: a batch over every limit comes, and does not starve its neighbours")
    func largeBatches() throws {
        let world = World()
        world.server.createTopic("t", partitions: 8)
        for partition in 0..<8 as Range<Int32> {
            try world.fill("t", partition, 3, batch: 3, valueBytes: 200_000)
        }
        let tokens = (0..<8).map { world.read("t", $0, at: 1, maxBytes: 10) }
        for token in tokens { #expect(try world.offsets(world.outcome(token)) == [1]) }
    }

    @Test(
        "Trap 13: snappy in both framings",
        arguments: [CompressionOptions.SnappyFraming.raw, .xerial])
    func snappy(_ framing: CompressionOptions.SnappyFraming) throws {
        try #require(Codec.snappy.isAvailable)
        var options = CompressionOptions()
        options.snappyFraming = framing
        try roundTrip(.snappy, options)
    }

    @Test("Trap 14: lz4 with linked and independent blocks, checksums and sizes")
    func lz4() throws {
        try #require(Codec.lz4.isAvailable)
        for bits in 0..<8 {
            var options = CompressionOptions()
            options.lz4LinkedBlocks = bits & 1 != 0
            options.lz4Checksums = bits & 2 != 0
            options.lz4ContentSize = bits & 4 != 0
            try roundTrip(.lz4, options)
        }
    }

    @Test("Trap 15: zstd with and without its size", arguments: [true, false])
    func zstd(_ hasSize: Bool) throws {
        try #require(Codec.zstd.isAvailable)
        var options = CompressionOptions()
        options.zstdContentSize = hasSize
        try roundTrip(.zstd, options)
    }

    private func roundTrip(_ codec: Codec, _ options: CompressionOptions) throws {
        let world = World()
        world.server.createTopic("t")
        let records = (0..<3_000 as Range<Int64>).map { DevRecord(value: TestBatch.value($0, 100)) }
        try world.server.append("t", records, codec: codec, options: options, now: world.now)
        let messages = try world.messages(
            world.outcome(world.read("t", at: 1_234, maxBytes: 8 << 20)))
        #expect(messages?.map(\.offset) == Array(1_234..<3_000))
        #expect(messages?.allSatisfy { $0.value == TestBatch.value($0.offset, 100) } == true)
    }

    @Test("Trap 20: partitions that were not asked for, or come twice, are ignored")
    func unexpectedPartitions() throws {
        let world = World { server, _ in server.profile = .kafka2_8 }
        world.server.createTopic("t")
        try world.fill("t", 0, 5)
        world.answer = { _, header, _ in
            guard header.apiKey == 1 else { return nil }
            let records = TestBatch.plain(0, 5).bytes
            func partition(_ index: Int32) -> FetchResponse.Partition {
                FetchResponse.Partition(
                    partitionIndex: index, highWatermark: 5, lastStableOffset: 5,
                    logStartOffset: 0, records: KafkaBytes(offset: 0, count: records.count))
            }
            let response = FetchResponse(responses: [
                FetchResponse.Topic(topic: "other", partitions: [partition(0)]),
                FetchResponse.Topic(
                    topic: "t", partitions: [partition(9), partition(0), partition(0)]),
                FetchResponse.Topic(topic: "t", partitions: [partition(0)]),
            ])
            return .frame(
                Frames.response(header) { writer in
                    records.withUnsafeBytes {
                        response.encode(&writer, version: header.apiVersion, records: $0)
                    }
                })
        }
        #expect(try world.offsets(world.outcome(world.read("t", at: 0))) == [0, 1, 2, 3, 4])
        // Each is told once, however often it comes.
        let told = world.logs.filter { $0.text.contains("unexpected partition") }
        #expect(told.count { $0.level == .warning } == 3 && told.count == 4)
    }

    @Test("Trap 21: below, at and beyond the ends of the log")
    func ends() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 20)
        world.server.deleteRecords("t", before: 5)
        for offset in [-1, 0, 4, 21, 999] as [Int64] {
            let failure = world.failure(world.outcome(world.read("t", at: offset)))
            #expect(failure?.text == "OFFSET_OUT_OF_RANGE", "\(offset)")
            #expect(failure?.code == 1)
            // Brokers don't tell the range with the error; the client needs it.
            #expect(failure?.position.logStartOffset == 5)
            #expect(failure?.position.highWatermark == 20)
        }
        #expect(try world.offsets(world.outcome(world.read("t", at: 5)))?.first == 5)
        // Written, and not replicated yet: neither there nor out of range.
        world.change { $0.holdHighWatermark("t", at: 20, now: $1) }
        try world.fill("t", 0, 4)
        for offset in [20, 22] as [Int64] {
            guard case .empty(let position, offset) = world.outcome(world.read("t", at: offset))
            else { throw MissingRecords() }
            #expect(position.highWatermark == 20)
        }
        let waiting = world.read("t", at: 22, wait: .max)
        world.run(2_000)
        world.change { $0.holdHighWatermark("t", at: nil, now: $1) }
        #expect(try world.offsets(world.outcome(waiting, within: 2_000)) == [22, 23])
    }

    @Test("Trap 22: an offset out of range is told, never replaced by another")
    func noReset() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 20)
        _ = world.outcome(world.read("t", at: 0))
        world.server.deleteRecords("t", before: 10)
        // A read that must go to the broker learns the new start; what lies before it is gone.
        _ = world.outcome(world.read("t", at: 20))
        #expect(world.failure(world.outcome(world.read("t", at: 3)))?.text == "OFFSET_OUT_OF_RANGE")
        #expect(try world.offsets(world.outcome(world.read("t", at: 12)))?.first == 12)
    }

    @Test func whatDoesNotExistIsNotFoundUntilItDoes() throws {
        let world = World()
        world.server.createTopic("t", partitions: 2)
        #expect(
            world.failure(world.outcome(world.read("t", 2, at: 0)))?.text == "not found partition")
        #expect(
            world.failure(world.outcome(world.read("t", -1, at: 0)))?.text == "not found partition")
        #expect(world.failure(world.outcome(world.read("nope", at: 0)))?.text == "not found topic")
        #expect(world.failure(world.outcome(world.read("", at: 0)))?.text == "not found topic")
        let long = String(repeating: "x", count: 300)
        #expect(world.failure(world.outcome(world.read(long, at: 0)))?.text == "not found topic")
        // A topic that comes into being later is found then.
        world.server.createTopic("nope")
        try world.fill("nope", 0, 1)
        world.run(300)
        #expect(try world.offsets(world.outcome(world.read("nope", at: 0))) == [0])
    }

    @Test func offsetsAreListedInBatches() throws {
        let world = World()
        world.server.createTopic("t", partitions: 3)
        for partition in 0..<3 as Range<Int32> { try world.fill("t", partition, 30) }
        let tokens = (0..<300).map { world.list("t", Int32($0 % 3), $0 % 2 == 0 ? -1 : -2) }
        for (number, token) in tokens.enumerated() {
            #expect(try world.offset(token)?.get().offset == (number % 2 == 0 ? 30 : 0))
        }
        #expect(world.count(2) <= 3)
        #expect(try world.offset(world.list("t", 0, 9_999_999_999_999))?.get().offset == -1)
        #expect(try world.offset(world.list("t", 0, 1_500_000_000_000))?.get().offset == 0)
        #expect(throws: KafkaFailure.self) { try world.offset(world.list("nope", 0, -1))?.get() }
        #expect(throws: KafkaFailure.self) { try world.offset(world.list("t", 7, -1))?.get() }
    }

    @Test func timestampsThatTheBrokerLacksAreNotGuessed() throws {
        let world = World { server, _ in server.profile = .kafka2_1 }
        world.server.createTopic("t")
        #expect {
            try world.offset(world.list("t", 0, -3))?.get()
        } throws: { ($0 as? KafkaFailure)?.text == "UNSUPPORTED_VERSION" }
    }

    @Test func topicsAreDescribed() throws {
        let world = World(brokers: 2)
        world.server.createTopic("t", partitions: 3)
        let topics = try world.topics(world.metadata(["t", "nope"]))?.get()
        #expect(topics?.map(\.name) == ["t", "nope"])
        #expect(topics?.first?.partitions.map(\.index) == [0, 1, 2])
        #expect(topics?.last?.failure?.text == "not found topic")
        #expect(try world.topics(world.metadata(nil))?.get().map(\.name) == ["t"])
    }

    @Test("A dead broker is not hammered, and every reader is told in time")
    func deadBroker() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 5)
        world.change { $0.takeDown(1, elects: false, now: $1) }
        let tokens = (0..<2_000).map { _ in world.read("t", at: 0) }
        for token in tokens {
            let failure = world.failure(world.outcome(token, within: 1_000))
            #expect(failure?.text == "not found topic")
            #expect(failure?.kind == .unavailable)
            #expect(failure?.cause.contains("connection refused") == true)
        }
        let start = world.now
        let before = world.connects.count
        while world.now.milliseconds(since: start) < 20_000 {
            #expect(world.outcome(world.read("t", at: 0), within: 1_000) != nil)
            world.run(7)
        }
        #expect(world.connects.count - before < 25)
        world.change { $0.bringUp(1, now: $1) }
        world.run(2_500)
        #expect(try world.offsets(world.outcome(world.read("t", at: 0)))?.first == 0)
    }

    @Test func aSubscriptionOutlivesAnOutage() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 5)
        let live = world.read("t", at: 5, wait: .max)
        world.run(2_000)
        world.change { $0.takeDown(1, elects: false, now: $1) }
        world.run(60_000)
        #expect(world.outcomes[live] == nil)
        // Others are told meanwhile, by the broker's name for it.
        let failure = world.failure(world.outcome(world.read("t", at: 5)))
        #expect(failure?.text == "connection refused")
        world.change { $0.bringUp(1, now: $1) }
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(live, within: 10_000)) == [5])
    }

    @Test func aFrozenBrokerCostsItsReadersTheirTimeLimitAndNobodyElse() throws {
        let world = World(brokers: 2) { _, client in client.requestTimeoutMilliseconds = 5_000 }
        world.server.createTopic("t", partitions: 2)
        for partition in 0..<2 as Range<Int32> {
            try world.fill("t", partition, 5)
            _ = world.outcome(world.read("t", partition, at: 0))
        }
        world.server.freeze(1)
        let frozen: Int32 = world.server.leader("t", 0) == 1 ? 0 : 1
        let start = world.now
        let slow = world.read("t", frozen, at: 5)
        let quick = world.outcome(world.read("t", 1 - frozen, at: 5))
        guard case .empty = quick else { throw MissingRecords() }
        #expect(world.now.milliseconds(since: start) < 100)
        #expect(world.failure(world.outcome(slow))?.text == "timeout")
        #expect(world.now.milliseconds(since: start) <= 5_000)
    }

    @Test func outstandingReadsAreBounded() throws {
        var limits = KafkaLimits()
        limits.outstandingReadBytesMax = 256 << 10
        let world = World(limits: limits)
        world.server.createTopic("t", partitions: 40)
        for partition in 0..<40 as Range<Int32> {
            try world.fill("t", partition, 300, batch: 10, valueBytes: 1_000)
        }
        var largest = 0
        let tokens = (0..<400).map { world.read("t", Int32($0 % 40), at: Int64($0 * 13 % 290)) }
        world.run { [self] in
            _ = self
            largest = max(largest, world.cache.outstandingReadBytes)
            return world.client.waitingReadCount == 0
        }
        for token in tokens { #expect(try world.messages(world.outcomes[token]) != nil) }
        // One request at least is always allowed, and each may round up by one partition.
        #expect(largest <= (256 << 10) + (2 << 20))
        #expect(world.cache.outstandingReadBytes == 0)
    }
}
