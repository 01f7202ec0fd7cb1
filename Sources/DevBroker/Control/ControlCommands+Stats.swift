import Bytes
import JSON

extension ControlCommands {
    /// Requests by API key and connections, of each broker and of each open connection.
    func stats(_ w: inout ByteWriter) {
        w.jsonKey("brokers")
        w.jsonBeginArray()
        for id in cluster.brokerIDs {
            guard let counters = cluster.counters(broker: id) else { continue }
            w.jsonElement()
            w.jsonBeginObject()
            w.jsonKey("id")
            w.jsonInteger(Int64(id))
            requests(counters.requests, &w)
            w.jsonKey("connections_opened")
            w.jsonInteger(Int64(counters.connectionsOpened))
            w.jsonKey("connections_open")
            w.jsonInteger(Int64(counters.connectionsOpen))
            w.jsonKey("connections_open_max")
            w.jsonInteger(Int64(counters.connectionsOpenMax))
            w.jsonKey("bytes_received")
            w.jsonInteger(Int64(counters.bytesReceived))
            w.jsonKey("bytes_sent")
            w.jsonInteger(Int64(counters.bytesSent))
            w.jsonEndObject()
        }
        w.jsonEndArray()
        connections(&w)
    }

    private func connections(_ w: inout ByteWriter) {
        w.jsonKey("connections")
        w.jsonBeginArray()
        for facts in cluster.openConnections {
            w.jsonElement()
            w.jsonBeginObject()
            w.jsonKey("id")
            w.jsonInteger(Int64(clamping: facts.id.raw))
            w.jsonKey("broker")
            w.jsonInteger(Int64(facts.broker))
            w.jsonKey("client_id")
            w.jsonString(facts.clientID ?? "")
            w.jsonKey("user")
            w.jsonString(facts.user ?? "")
            w.jsonKey("extensions")
            w.jsonBeginObject()
            for name in facts.extensions.keys.sorted() {
                w.jsonKey(name)
                w.jsonString(facts.extensions[name] ?? "")
            }
            w.jsonEndObject()
            requests(facts.requests, &w)
            w.jsonEndObject()
        }
        w.jsonEndArray()
    }

    private func requests(_ counts: [Int16: Int], _ w: inout ByteWriter) {
        w.jsonKey("requests")
        w.jsonBeginObject()
        for (key, count) in counts.sorted(by: { $0.key < $1.key }) {
            w.jsonKey(String(key))
            w.jsonInteger(Int64(count))
        }
        w.jsonEndObject()
    }

    func offsets(_ a: ControlArguments, _ w: inout ByteWriter) throws(Refusal) {
        let topic = try a.string("topic")
        let partition = try a.int32("partition", 0)
        guard let end = cluster.logEnd(topic, partition) else {
            throw Refusal("offsets: no such topic or partition")
        }
        w.jsonKey("log_start")
        w.jsonInteger(cluster.logStart(topic, partition) ?? 0)
        w.jsonKey("high_watermark")
        w.jsonInteger(cluster.highWatermark(topic, partition) ?? 0)
        w.jsonKey("last_stable_offset")
        w.jsonInteger(cluster.lastStableOffset(topic, partition) ?? 0)
        w.jsonKey("log_end")
        w.jsonInteger(end)
        w.jsonKey("leader")
        w.jsonInteger(Int64(cluster.leader(topic, partition) ?? -1))
    }
}
