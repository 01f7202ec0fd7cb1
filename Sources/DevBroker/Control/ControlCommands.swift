import Bytes
import Compression
import JSON
import Timing

/// What another program may ask of a running cluster: one JSON object a line, answered by one.
///
///     {"do": "move-leader", "topic": "t", "partition": 0, "broker": 2}
///     {"ok": true}
public struct ControlCommands {
    let cluster: BrokerCluster

    public init(_ cluster: BrokerCluster) { self.cluster = cluster }

    struct Refusal: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    /// Runs one line; answers one line without its end.
    public func run(_ line: UnsafeRawBufferPointer, now: Instant) -> [UInt8] {
        var writer = ByteWriter()
        writer.jsonBeginObject()
        let start = writer.count
        do throws(Refusal) {
            let arguments = try ControlArguments(line)
            writer.jsonKey("ok")
            writer.jsonBool(true)
            try run(arguments, &writer, now: now)
        } catch {
            writer.truncate(to: start)
            writer.jsonKey("ok")
            writer.jsonBool(false)
            writer.jsonKey("error")
            writer.jsonString(error.text)
        }
        writer.jsonEndObject()
        return writer.array
    }

    private func run(
        _ a: ControlArguments, _ w: inout ByteWriter, now: Instant
    ) throws(Refusal) {
        switch a.command {
        case "help": help(&w)
        case "stats": stats(&w)
        case "offsets": try offsets(a, &w)
        case "append": try append(a, &w, now: now)
        case "create-topic": try createTopic(a)
        case "delete-topic": try found(cluster.deleteTopic(try a.string("topic"), now: now), a)
        case "recreate-topic":
            try found(cluster.recreateTopic(try a.string("topic"), now: now), a)
        case "inject": try inject(a)
        case "clear-faults": cluster.clearFaults()
        case "add-token": try addToken(a, now: now)
        case "revoke-token":
            let isKnown = cluster.tokens.revoke(try a.string("token"))
            guard isKnown else { throw Refusal("revoke-token: there is no such token") }
        default: try runOnBrokers(a, now: now)
        }
    }

    /// The commands with their arguments; those in brackets may be left out.
    private static let usage = [
        "stats", "offsets topic [partition]",
        "append topic [partition] values [codec]",
        "create-topic topic [partitions] [log_append_time] [cleanup_policy] [message_bytes_max]"
            + " [in_sync_replicas_min]",
        "delete-topic topic", "recreate-topic topic",
        "move-leader topic [partition] broker", "take-down broker [elect]", "bring-up broker",
        "set-rack broker [rack]", "freeze broker", "thaw broker", "close-connections [broker]",
        "drop-fetch-sessions broker", "delete-records topic [partition] offset",
        "truncate topic [partition] offset", "hold-high-watermark topic [partition] [offset]",
        "compact topic [partition]", "forget-producers topic [partition]",
        "delay-markers milliseconds", "set-transaction-version level",
        "set-quota kind [per_second]",
        "inject action [code|milliseconds|bytes|how] [api] [broker] [topic] [partition] [times]",
        "clear-faults", "add-token token user [milliseconds]", "revoke-token token",
    ]

    private func help(_ w: inout ByteWriter) {
        w.jsonKey("commands")
        w.jsonBeginArray()
        for line in Self.usage {
            w.jsonElement()
            w.jsonString(line)
        }
        w.jsonEndArray()
    }

    private func runOnBrokers(_ a: ControlArguments, now: Instant) throws(Refusal) {
        switch a.command {
        case "move-leader":
            try found(
                cluster.moveLeader(
                    try a.string("topic"), try a.int32("partition", 0), to: try a.int32("broker"),
                    now: now), a)
        case "take-down":
            try found(
                cluster.takeDown(
                    try a.int32("broker"), elects: try a.bool("elect", true), now: now), a)
        case "bring-up": try found(cluster.bringUp(try a.int32("broker"), now: now), a)
        case "set-rack":
            cluster.setRack(try a.string("rack", ""), broker: try a.int32("broker"))
        case "freeze": cluster.freeze(try a.int32("broker"))
        case "thaw": cluster.thaw(try a.int32("broker"), now: now)
        case "close-connections": cluster.closeConnections(broker: try a.optionalInt32("broker"))
        case "drop-fetch-sessions": cluster.dropFetchSessions(broker: try a.int32("broker"))
        case "delete-records":
            cluster.deleteRecords(
                try a.string("topic"), try a.int32("partition", 0), before: try a.int64("offset"))
        case "truncate":
            try found(
                cluster.truncate(
                    try a.string("topic"), try a.int32("partition", 0), to: try a.int64("offset"),
                    now: now), a)
        case "hold-high-watermark":
            cluster.holdHighWatermark(
                try a.string("topic"), try a.int32("partition", 0),
                at: try a.optionalInt64("offset"), now: now)
        case "compact": try compact(a)
        default: try runOnProducers(a)
        }
    }

    func found(_ isDone: Bool, _ a: ControlArguments) throws(Refusal) {
        guard isDone else {
            throw Refusal("\(a.command): no such topic, partition or broker, or nothing to do")
        }
    }

    private func createTopic(_ a: ControlArguments) throws(Refusal) {
        var settings = TopicSettings()
        if try a.bool("log_append_time", false) { settings.timestampType = .logAppendTime }
        settings.cleanupPolicy = try a.string("cleanup_policy", settings.cleanupPolicy)
        settings.messageBytesMax = try a.optionalInt32("message_bytes_max").map { Int($0) }
        settings.inSyncReplicasMin = Int(try a.int32("in_sync_replicas_min", 1))
        let made = cluster.createTopic(
            try a.string("topic"), partitions: try a.int32("partitions", 1), settings: settings)
        guard made else {
            throw Refusal("create-topic: the topic exists, or its name is not one")
        }
    }

    private func addToken(_ a: ControlArguments, now: Instant) throws(Refusal) {
        let life = try a.optionalInt64("milliseconds")
        cluster.tokens.add(
            try a.string("token"), user: try a.string("user"),
            expires: life.map { now.adding(milliseconds: $0) })
    }

    private func compact(_ a: ControlArguments) throws(Refusal) {
        let topic = try a.string("topic")
        let partition = try a.int32("partition", 0)
        do throws(CompressionError) {
            try cluster.compact(topic, partition)
        } catch {
            throw Refusal("compact: \(error)")
        }
    }

    private func append(
        _ a: ControlArguments, _ w: inout ByteWriter, now: Instant
    ) throws(Refusal) {
        let name = try a.string("codec", "none")
        guard let codec = Codec.allCases.first(where: { $0.name == name }) else {
            throw Refusal("append: \"codec\" is none, gzip, snappy, lz4 or zstd")
        }
        let topic = try a.string("topic")
        let partition = try a.int32("partition", 0)
        let records = try a.strings("values").map { DevRecord($0) }
        let offset: Int64?
        do throws(CompressionError) {
            offset = try cluster.append(
                topic, partition: partition, records, codec: codec, now: now)
        } catch {
            throw Refusal("append: \(error)")
        }
        guard let offset else { throw Refusal("append: no such topic or partition, or no values") }
        w.jsonKey("offset")
        w.jsonInteger(offset)
    }
}
