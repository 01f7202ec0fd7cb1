import DevBroker
import GatewayCore
import Testing

/// A gateway whose route lets clients produce to `t` and what begins so.
struct ProducingRig {
    let rig: Rig

    static let allowed =
        #""commands":["ping","fetch","subscribe","produce"],"topics":{"produce":{"allow":["t*"]}}"#

    init(
        _ more: String = "", partitions: Int32 = 1, brokers: Int = 1,
        settings: GatewaySettings = GatewaySettings(), seed: UInt64 = 1
    ) throws {
        var cluster = BrokerSettings()
        cluster.brokers = brokers
        cluster.createsTopics = false
        let more = more.isEmpty ? "" : "," + more
        rig = try Rig(
            routes: [Rig.route("{\(Self.allowed)\(more)}")], settings: settings, brokers: cluster,
            seed: seed)
        rig.brokers.createTopic("t", partitions: partitions)
    }

    func policy(_ text: String) throws -> SessionPolicy {
        try text.withRawBytes { try SessionPolicy.parse($0) }
    }

    /// The only reply, when what there is to wait for is over.
    func ask(
        _ client: TestClient, _ request: [UInt8], within milliseconds: Int64 = 1_000
    ) throws -> Response {
        client.send(request)
        rig.pass(milliseconds)
        let replies = try client.takeReplies()
        return try #require(replies.count == 1 ? replies[0] : nil, "\(replies)")
    }

    /// What a partition holds, as a reader gets it.
    func stored(_ topic: String = "t", _ partition: Int64 = 0) throws -> [Response.Record] {
        let reader = try rig.connect()
        var records: [Response.Record] = []
        while true {
            let from = records.last.map { $0.offset + 1 } ?? 0
            let reply = try ask(reader, Request.fetch(1, topic, partition, from, maxBytes: 1 << 20))
            let more = try #require(reply.batch, "\(reply)").records
            if more.isEmpty { return records }
            records += more
        }
    }

    func values(_ topic: String = "t", _ partition: Int64 = 0) throws -> [String] {
        try stored(topic, partition).map(\.text)
    }
}
