import Bytes
import JSON
import PubSubProtocol

func format(_ name: String) -> MessageFormat {
    name == "binary" ? .binary : MessageFormat(subprotocol: "pubsub." + name)!
}

/// The request as a flat JSON object, or its error.
func understood(_ message: [UInt8], _ format: MessageFormat) -> String {
    message.withUnsafeBytes { raw in
        var out = ByteWriter()
        out.jsonBeginObject()
        do throws(MalformedMessage) {
            let request = try PubSubRequest.decode(raw, as: format)
            out.jsonKey("sequence")
            out.jsonInteger(request.sequence)
            out.jsonKey("extensions")
            out.jsonBool(request.usesExtensions)
            write(request, raw, format, &out)
        } catch {
            out.jsonKey("error")
            out.jsonString(error.description)
            out.jsonKey("sequence")
            out.jsonInteger(error.sequence)
        }
        out.jsonEndObject()
        return String(decoding: out.array, as: UTF8.self)
    }
}

private func write(
    _ request: PubSubRequest, _ message: UnsafeRawBufferPointer, _ format: MessageFormat,
    _ out: inout ByteWriter
) {
    func name(_ name: StaticString) {
        out.jsonKey("command")
        out.jsonString("\(name)")
    }
    func bytes(_ key: StaticString, _ range: Range<Int>) {
        out.jsonKey(key)
        let text = request.withBytes(range, of: message, in: format) { hexEncoded([UInt8]($0)) }
        out.jsonString(text)
    }
    func integer(_ key: StaticString, _ value: (some BinaryInteger)?) {
        out.jsonKey(key)
        if let value { out.jsonInteger(Int64(value)) } else { out.jsonNull() }
    }
    func string(_ key: StaticString, _ value: String) {
        out.jsonKey(key)
        out.jsonString(value)
    }
    switch request.command {
    case .none: name("none")
    case .empty: name("cmd_empty")
    case .ping(let state):
        name("cmd_ping")
        bytes("state", state)
    case .fetch(let fetch):
        name("cmd_kafka_fetch")
        string("topic", fetch.topic)
        integer("partition", fetch.partition)
        integer("offset", fetch.offset)
        integer("max_bytes", fetch.maxBytes)
        integer("max_wait_ms", fetch.maxWaitMilliseconds)
        integer("min_bytes", fetch.minBytes)
        integer("isolation", fetch.isolation.rawValue)
    case .listOffset(let list):
        name("cmd_kafka_list_offset")
        string("topic", list.topic)
        integer("partition", list.partition)
        integer("timestamp", list.timestamp)
    case .subscribe(let subscribe):
        name("cmd_subscribe")
        integer("credit_messages", subscribe.creditMessages)
        integer("credit_bytes", subscribe.creditBytes)
        integer("isolation", subscribe.isolation.rawValue)
        integer("max_bytes", subscribe.maxBytes)
        out.jsonKey("skip_unreadable")
        out.jsonBool(subscribe.skipUnreadable)
        out.jsonKey("subscriptions")
        out.jsonBeginArray()
        for subscription in subscribe.subscriptions {
            out.jsonElement()
            write(subscription, &out)
        }
        out.jsonEndArray()
    case .unsubscribe(let unsubscribe):
        name("cmd_unsubscribe")
        integer("subscription", unsubscribe.subscription)
    case .grant(let grant):
        name("cmd_grant")
        integer("subscription", grant.subscription)
        integer("messages", grant.messages)
        integer("bytes", grant.bytes)
    case .pause(let pause):
        name("cmd_pause")
        integer("subscription", pause.subscription)
        integer("resume", pause.resume ? 1 : 0)
    case .metadata(let metadata):
        name("cmd_metadata")
        out.jsonKey("topics")
        out.jsonBeginArray()
        for topic in metadata.topics {
            out.jsonElement()
            out.jsonString(topic)
        }
        out.jsonEndArray()
    case .produce(let produce):
        name("cmd_produce")
        integer("acks", produce.acks.rawValue)
        out.jsonKey("records")
        out.jsonBeginArray()
        request.withRecordBytes(of: message, in: format) { lent in
            for record in produce.records {
                out.jsonElement()
                write(record, lent, &out)
            }
            out.jsonEndArray()
            string("id", hexEncoded([UInt8](lent.value(produce.id))))
        }
    case .unknown(let field, let payload):
        name("unknown")
        integer("field", field)
        bytes("payload", payload)
    }
}

private func write(_ subscription: Subscription, _ out: inout ByteWriter) {
    out.jsonBeginObject()
    out.jsonKey("topic")
    out.jsonString(subscription.topic)
    out.jsonKey("partitions")
    out.jsonBeginArray()
    for partition in subscription.partitions {
        out.jsonElement()
        out.jsonInteger(Int64(partition))
    }
    out.jsonEndArray()
    out.jsonKey("start")
    switch subscription.start {
    case .latest: out.jsonString("latest")
    case .earliest: out.jsonString("earliest")
    case .offset(let offset): out.jsonString("offset \(offset)")
    case .timestamp(let timestamp): out.jsonString("timestamp \(timestamp)")
    }
    out.jsonEndObject()
}

private func write(
    _ record: ProduceRecord, _ lent: ProduceCommand.Bytes, _ out: inout ByteWriter
) {
    func bytes(_ key: StaticString, _ value: Range<Int>?) {
        out.jsonKey(key)
        guard let value else { return out.jsonNull() }
        out.jsonString(hexEncoded([UInt8](lent.value(value))))
    }
    func integer(_ key: StaticString, _ value: (some BinaryInteger)?) {
        out.jsonKey(key)
        if let value { out.jsonInteger(Int64(value)) } else { out.jsonNull() }
    }
    out.jsonBeginObject()
    bytes("topic", record.topic)
    integer("partition", record.partition)
    bytes("key", record.key)
    bytes("value", record.value)
    out.jsonKey("headers")
    out.jsonString(hexEncoded([UInt8](lent.headers(record.headers))))
    integer("header_count", record.headerCount)
    integer("timestamp", record.timestamp)
    out.jsonEndObject()
}
