import Bytes
import JSON

/// `PubSubResp` without records; those are in `BatchHead`.
public enum Reply {
    /// The state is borrowed until the reply is written.
    case pong(state: UnsafeRawBufferPointer)
    case error(ErrorReply)
    /// `timestamp` nil: none was asked for, or none was found.
    case listOffset(offset: Int64, timestamp: Int64?)
    /// The first reply to a subscription, and its news: where each partition begins.
    case subscribed([PartitionStart])
    /// One partition of a subscription is no longer read.
    case partitionFailed(topic: String, partition: Int32, ErrorReply)
    /// Records of a subscription could not be read and are passed over.
    case skipped(SkippedRecords)
    case unsubscribed(subscription: Int64)
    /// The credit now; nil: no limit of that kind.
    case granted(subscription: Int64, messages: Int64?, bytes: Int64?)
    case paused(subscription: Int64, paused: Bool)
    case metadata([TopicMetadata])
    case produced(ProduceReply)
    /// A reply or a push of the host's: the response's sub-message, or the JSON value that goes
    /// under `key`. Borrowed until the reply is written.
    case host(field: Int, key: String, UnsafeRawBufferPointer)

    /// Appends the whole message.
    public func write(sequence: Int64, as format: MessageFormat, into out: inout ByteWriter) {
        let fields = FieldWriter(format: format)
        if format == .binary {
            switch self {
            case .pong(let state): writePong(state, sequence, into: &out)
            case .host(let field, _, let message):
                writeHost(field, message, sequence, into: &out)
            default:
                fields.int64(1, "sequence", sequence, to: &out)
                writeReply(fields, to: &out)
            }
        } else {
            fields.object(to: &out) { out in
                fields.int64(1, "sequence", sequence, to: &out)
                writeReply(fields, to: &out)
            }
        }
    }

    /// The reply's own message as JSON, without a `PubSubResp` around it; of an error and of what
    /// became of records.
    public func writeBody(as format: MessageFormat, into out: inout ByteWriter) {
        precondition(format != .binary, "a body is JSON")
        let fields = FieldWriter(format: format)
        fields.object(to: &out) { out in
            switch self {
            case .error(let error): error.write(fields, to: &out)
            case .produced(let produced): produced.write(fields, to: &out)
            default: break
            }
        }
    }

    /// What goes in front of `writeRest`.
    public static func writeStart(
        sequence: Int64, as format: MessageFormat, into out: inout ByteWriter
    ) {
        if format != .binary { out.jsonBeginObject() }
        let start = out.count
        FieldWriter(format: format).int64(1, "sequence", sequence, to: &out)
        if format != .binary, out.count > start { out.uint8(UInt8(ascii: ",")) }
    }

    /// The message but for its sequence: the same bytes for all who are told the same. Not for
    /// pongs and the host's messages.
    public func writeRest(as format: MessageFormat, into out: inout ByteWriter) {
        writeReply(FieldWriter(format: format), to: &out)
        if format != .binary { out.jsonEndObject() }
    }

    /// The reply's member of the `oneof`.
    private func writeReply(_ fields: FieldWriter, to out: inout ByteWriter) {
        switch self {
        case .pong(let state):
            fields.message(CommandField.ping, "pongResp", to: &out) { out in
                guard !state.isEmpty || fields.format == .text else { return }
                out.jsonBytes("state", "stateBase64", state, as: fields.format)
            }
        case .error(let error):
            fields.message(CommandField.error, "errorResp", to: &out) {
                error.write(fields, to: &$0)
            }
        case .listOffset(let offset, let timestamp):
            fields.message(CommandField.listOffset, "kafkaListOffsetResp", to: &out) {
                fields.int64(1, "offset", offset, to: &$0)
                fields.int64(101, "timestamp", timestamp, to: &$0)
            }
        case .metadata(let topics):
            fields.message(CommandField.metadata, "metadataResp", to: &out) {
                fields.list(1, "topics", topics, to: &$0) { $0.write(fields, to: &$1) }
            }
        case .produced(let produced):
            fields.message(CommandField.produce, "produceResp", to: &out) {
                produced.write(fields, to: &$0)
            }
        case .host(_, let key, let value):
            out.jsonKey(key)
            out.bytes(value)
        default: writeSubscription(fields, to: &out)
        }
    }

    private func writeSubscription(_ fields: FieldWriter, to out: inout ByteWriter) {
        switch self {
        case .subscribed(let starts):
            fields.message(CommandField.subscribe, "subscribeResp", to: &out) {
                fields.list(8, "starts", starts, to: &$0) { $0.write(fields, to: &$1) }
            }
        case .partitionFailed(let topic, let partition, let error):
            fields.message(CommandField.subscribe, "subscribeResp", to: &out) {
                fields.string(2, "topic", topic, to: &$0)
                fields.int32(3, "partition", partition, to: &$0)
                fields.message(9, "error", to: &$0) { error.write(fields, to: &$0) }
            }
        case .skipped(let skipped):
            fields.message(CommandField.subscribe, "subscribeResp", to: &out) {
                skipped.write(fields, to: &$0)
            }
        case .unsubscribed(let subscription):
            fields.message(CommandField.unsubscribe, "unsubscribeResp", to: &out) {
                fields.int64(1, "subscription", subscription, to: &$0)
            }
        case .granted(let subscription, let messages, let bytes):
            fields.message(CommandField.grant, "grantResp", to: &out) {
                fields.int64(1, "subscription", subscription, to: &$0)
                fields.int64(2, "messages", messages, to: &$0)
                fields.int64(3, "bytes", bytes, to: &$0)
            }
        case .paused(let subscription, let paused):
            fields.message(CommandField.pause, "pauseResp", to: &out) {
                fields.int64(1, "subscription", subscription, to: &$0)
                fields.bool(2, "paused", paused, to: &$0)
            }
        default: break
        }
    }

    private func writeHost(
        _ field: Int, _ message: UnsafeRawBufferPointer, _ sequence: Int64,
        into out: inout ByteWriter
    ) {
        out.reserve(message.count + 32)
        if sequence != 0 {
            out.uint8(1 << 3)
            out.uvarint(UInt64(bitPattern: sequence))
        }
        out.uvarint(UInt64(field) << 3 | UInt64(WireType.length))
        out.uvarint(UInt64(message.count))
        out.bytes(message)
    }

    /// The state may be long: its length is computed, nothing is moved.
    private func writePong(
        _ state: UnsafeRawBufferPointer, _ sequence: Int64, into out: inout ByteWriter
    ) {
        let length = UInt64(state.count)
        let body = state.isEmpty ? 0 : 1 + varintSize(length) + state.count
        out.reserve(body + 24)
        if sequence != 0 {
            out.uint8(1 << 3)
            out.uvarint(UInt64(bitPattern: sequence))
        }
        out.uvarint(UInt64(CommandField.ping << 3 | WireType.length))
        out.uvarint(UInt64(body))
        if !state.isEmpty {
            out.uint8(1 << 3 | 2)
            out.uvarint(length)
            out.bytes(state)
        }
    }
}

extension ByteWriter {
    /// A member with bytes: base64 in `pubsub.json`; in `pubsub.text` a string where they are
    /// UTF-8, else base64 under the second name.
    mutating func jsonBytes(
        _ name: StaticString, _ base64Name: StaticString, _ value: UnsafeRawBufferPointer,
        as format: MessageFormat
    ) {
        if format == .text {
            let start = count
            jsonKey(name)
            if jsonString(utf8: value) { return }
            truncate(to: start)
        }
        jsonKey(format == .text ? base64Name : name)
        jsonBase64(value)
    }
}
