import Compression
import GatewayCore
import KafkaProducing
import Testing

private func route(_ pubsub: String) -> String {
    #"{"id":"r","uri":"/k","upstream":{"scheme":"kafka","nodes":"a"},"pubsub":\#(pubsub)}"#
}

private func parsed(_ pubsub: String) throws -> RoutePolicy {
    try #require(try RouteTable.of(route(pubsub)).route(id: "r")).policy
}

/// What a route may say of producing.
@Suite struct ProducePolicyTests {
    static let allowed =
        #""commands":["ping","produce"],"topics":{"produce":{"allow":["a*"],"deny":["ab"]}}"#

    @Test("nothing is allowed unless a route names the command and its topics")
    func nothing() throws {
        let policy = try parsed("{}")
        #expect(!policy.commands.contains(.produce) && !policy.produce.topics.allows("a"))
        let open = try parsed("{\(Self.allowed)}")
        #expect(open.commands == [.ping, .produce])
        #expect(open.produce.topics.allows("aa") && !open.produce.topics.allows("ab"))
        #expect(!open.produce.topics.allows("b") && !open.produce.topics.allows("__a"))
        // What may be read is another list.
        #expect(open.topics.allows("b"))
    }

    @Test("the connector document's defaults")
    func defaults() throws {
        let settings = try parsed("{\(Self.allowed)}").produce.settings
        #expect(settings.acks == .leader && !settings.isIdempotent)
        #expect(settings.recordBytesMax == 1_000_000)
        #expect(settings.requestTimeoutMilliseconds == 10_000)
        #expect(settings.triggers == FlushTriggers())
        #expect(settings.keepsOrder)
    }

    @Test("the whole producer object")
    func producer() throws {
        let policy = try parsed(
            """
            {\(Self.allowed), "producer": {"acks": "all", "idempotence": true,
              "max_message_bytes": 3000000, "request_timeout_ms": 1000,
              "delivery_timeout_ms": 9000, "linger_ms": 7, "batch_bytes": 20000,
              "buffer_bytes": 4000000, "compression": "gzip", "partitioner": "murmur2_random",
              "flush": {"bytes": 1, "messages": 2, "frequency_ms": 3, "max_messages": 4},
              "client_acks": true, "client_partition": true, "client_timestamp": true,
              "id_window_ms": 5, "id_window_count": 6},
             "headers": {"app": "web", "who": "$principal", "trace": "$trace", "price": "$$5"},
             "limits": {"record_bytes": 11, "produce_bytes_per_second": 12,
               "produce_records_per_second": 13, "produce_bytes_in_flight": 14}}
            """)
        let settings = policy.produce.settings
        #expect(settings.acks == .all && settings.isIdempotent)
        #expect(settings.recordBytesMax == 3_000_000 && settings.requestBytesMax == 3_000_000)
        #expect(settings.requestTimeoutMilliseconds == 1000)
        #expect(settings.deliveryTimeoutMilliseconds == 9000 && settings.lingerMilliseconds == 7)
        #expect(settings.batchBytes == 20_000 && settings.bufferBytes == 4_000_000)
        #expect(settings.compression == .gzip && settings.partitioner == .murmur2Random)
        #expect(settings.triggers.bytes == 1 && settings.triggers.records == 2)
        #expect(settings.triggers.milliseconds == 3 && settings.triggers.recordsMax == 4)
        let produce = policy.produce
        #expect(produce.clientAcks && produce.clientPartition && produce.clientTimestamp)
        #expect(produce.idWindowMilliseconds == 5 && produce.idWindowCount == 6)
        #expect(
            produce.headers == [
                AddedHeader("app", .text("web")), AddedHeader("who", .principal),
                AddedHeader("trace", .trace), AddedHeader("price", .text("$5")),
            ])
        #expect(policy.limits.recordBytes == 11 && policy.limits.produceBytesPerSecond == 12)
        #expect(policy.limits.produceRecordsPerSecond == 13)
        #expect(policy.limits.produceBytesInFlight == 14)
    }

    @Test(
        "acks in the words of Kafka, of the document, and as numbers",
        arguments: [
            (#""leader""#, Acknowledgement.leader), ("1", .leader), (#""1""#, .leader),
            (#""LeaderOnly""#, .leader), (#""all""#, .all), ("-1", .all), (#""All""#, .all),
        ])
    func acks(_ word: String, _ acks: Acknowledgement) throws {
        let policy = try parsed("{\(Self.allowed),\"producer\":{\"acks\":\(word)}}")
        #expect(policy.produce.settings.acks == acks)
    }

    @Test("idempotence asks for all replicas")
    func idempotence() throws {
        let policy = try parsed("{\(Self.allowed),\"producer\":{\"idempotence\":true}}")
        #expect(policy.produce.settings.acks == .all && policy.produce.settings.isIdempotent)
    }

    @Test(
        "errors name the key",
        arguments: [
            (#"{"commands":["produce"]}"#, "pubsub.commands"),
            (
                #"{"commands":["produce"],"topics":{"produce":{"allow":[],"deny":["a"]}}}"#,
                "pubsub.commands"
            ),
            (#"{"topics":{"produce":{"allow":["a b"]}}}"#, "pubsub.topics.produce.allow"),
            (#"{"topics":{"produce":{"permit":[]}}}"#, "pubsub.topics.produce.permit"),
            (#"{"producer":{"acks":"none"}}"#, "pubsub.producer.acks"),
            (#"{"producer":{"acks":0}}"#, "pubsub.producer.acks"),
            (#"{"producer":{"acks":"some"}}"#, "pubsub.producer.acks"),
            (#"{"producer":{"acks":1,"idempotence":true}}"#, "pubsub.producer.idempotence"),
            (#"{"producer":{"max_message_bytes":0}}"#, "pubsub.producer.max_message_bytes"),
            (#"{"producer":{"buffer_bytes":999}}"#, "pubsub.producer.buffer_bytes"),
            (#"{"producer":{"request_timeout_ms":0}}"#, "pubsub.producer.request_timeout_ms"),
            (#"{"producer":{"delivery_timeout_ms":10004}}"#, "pubsub.producer.delivery_timeout_ms"),
            (#"{"producer":{"compression":"rar"}}"#, "pubsub.producer.compression"),
            (#"{"producer":{"partitioner":"any"}}"#, "pubsub.producer.partitioner"),
            (#"{"producer":{"partitioner":"manual"}}"#, "pubsub.producer"),
            (#"{"producer":{"flush":{"bytes":-1}}}"#, "pubsub.producer.flush.bytes"),
            (#"{"producer":{"flush":{"size":1}}}"#, "pubsub.producer.flush.size"),
            (#"{"producer":{"client_acks":1}}"#, "pubsub.producer.client_acks"),
            (#"{"producer":{"id_window_ms":-1}}"#, "pubsub.producer.id_window_ms"),
            (#"{"producer":{"retries":1}}"#, "pubsub.producer.retries"),
            (#"{"headers":{"a":1}}"#, "pubsub.headers.a"),
            (#"{"headers":{"":"1"}}"#, "pubsub.headers."),
            (#"{"headers":{"a":"$user"}}"#, "pubsub.headers.a"),
            (#"{"limits":{"produce_bytes_in_flight":0}}"#, "pubsub.limits.produce_bytes_in_flight"),
        ])
    func refused(_ pubsub: String, _ key: String) throws {
        let fault = try #require(RouteTable.fault(route(pubsub)))
        #expect(fault.key == key)
        #expect(fault.line == 1 && fault.column > 1)
    }

    @Test("what has no effect is noted, and so are internal topics")
    func notes() throws {
        var table = RouteTable()
        let notes = try table.put(
            route: route(
                #"{"topics":{"produce":{"allow":["__x"]}},"producer":{},"headers":{}}"#), id: "r")
        #expect(
            notes == [
                "pubsub.topics.produce.allow: __x opens internal topics of Kafka's",
                "pubsub.producer: has no effect without produce in commands",
                "pubsub.headers: has no effect without produce in commands",
                "pubsub.topics.produce: has no effect without produce in commands",
            ])
        #expect(try table.put(route: route("{\(Self.allowed)}"), id: "r").isEmpty)
    }
}
