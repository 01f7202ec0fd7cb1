import Bytes
import JSON
import KafkaCore

/// Topics as a host reads them.
enum DirectMetadata {
    /// `{"topics":[{"name","internal"?,"partitions":[{"partition","leader","leaderEpoch"}]}]}`, and
    /// `"error"` (a status) with `"text"` in the place of partitions that cannot be told.
    static func json(_ topics: [TopicDescription]) -> [UInt8] {
        var out = ByteWriter(capacity: 256)
        out.jsonBeginObject()
        out.jsonKey("topics" as StaticString)
        out.jsonBeginArray()
        for topic in topics.sorted(by: { $0.name < $1.name }) {
            out.jsonElement()
            write(topic, &out)
        }
        out.jsonEndArray()
        out.jsonEndObject()
        return out.array
    }

    private static func write(_ topic: TopicDescription, _ out: inout ByteWriter) {
        out.jsonBeginObject()
        out.jsonKey("name" as StaticString)
        out.jsonString(topic.name)
        if topic.isInternal {
            out.jsonKey("internal" as StaticString)
            out.jsonBool(true)
        }
        if let failure = topic.failure {
            out.jsonKey("error" as StaticString)
            out.jsonInteger(Int64(GatewayFault.directStatus(failure)))
            out.jsonKey("text" as StaticString)
            out.jsonString(failure.cause)
        }
        out.jsonKey("partitions" as StaticString)
        out.jsonBeginArray()
        for partition in topic.partitions {
            out.jsonElement()
            write(partition, &out)
        }
        out.jsonEndArray()
        out.jsonEndObject()
    }

    private static func write(
        _ partition: PartitionDescription, _ out: inout ByteWriter
    ) {
        out.jsonBeginObject()
        out.jsonKey("partition" as StaticString)
        out.jsonInteger(Int64(partition.index))
        out.jsonKey("leader" as StaticString)
        out.jsonInteger(Int64(partition.leader))
        out.jsonKey("leaderEpoch" as StaticString)
        out.jsonInteger(Int64(partition.leaderEpoch))
        out.jsonEndObject()
    }
}
