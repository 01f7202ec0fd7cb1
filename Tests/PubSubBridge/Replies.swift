import Bytes
import JSON
import PubSubProtocol
import RecordFormat

extension JSONValue {
    func number(_ key: String) -> Int64? { self[key]?.int64 }
    func text(_ key: String) -> String { self[key]?.string ?? "" }
}

/// Writes the reply that `description` has under the names of the proto file.
func reply(_ description: String, _ format: MessageFormat) -> [UInt8] {
    guard let value = try? JSONValue.parse(description) else { fatalError("bad description") }
    let sequence = value.number("sequence")!
    let state = hexDecoded(value.text("state"))
    return state.withUnsafeBytes { state in
        var out = ByteWriter()
        reply(value, state: state).write(sequence: sequence, as: format, into: &out)
        return out.array
    }
}

private func reply(_ value: JSONValue, state: UnsafeRawBufferPointer) -> Reply {
    let subscription = value.number("subscription") ?? 0
    switch value.text("kind") {
    case "pong_resp": return .pong(state: state)
    case "error_resp": return .error(error(value))
    case "kafka_list_offset_resp":
        return .listOffset(offset: value.number("offset")!, timestamp: value.number("timestamp"))
    case "subscribed":
        return .subscribed(
            value["starts"]!.array!.map {
                PartitionStart(
                    topic: $0.text("topic"), partition: Int32($0.number("partition")!),
                    nextOffset: $0.number("next_offset")!,
                    outcome: PartitionStart.Outcome(rawValue: Int32($0.number("outcome")!))!,
                    reason: $0.text("reason"))
            })
    case "partition_failed":
        return .partitionFailed(
            topic: value.text("topic"), partition: Int32(value.number("partition")!),
            error(value["error"]!))
    case "skipped":
        return .skipped(
            SkippedRecords(
                topic: value.text("topic"), partition: Int32(value.number("partition")!),
                offset: value.number("offset")!, nextOffset: value.number("next_offset")!,
                error: error(value["error"]!)))
    case "unsubscribe_resp": return .unsubscribed(subscription: subscription)
    case "grant_resp":
        return .granted(
            subscription: subscription, messages: value.number("messages"),
            bytes: value.number("bytes"))
    case "pause_resp":
        return .paused(subscription: subscription, paused: value["paused"]!.bool!)
    case "metadata_resp": return .metadata(value["topics"]!.array!.map(topic))
    case "produce_resp": return .produced(produced(value))
    default: fatalError("unknown reply")
    }
}

private func error(_ value: JSONValue) -> ErrorReply {
    ErrorReply(
        ReplyCode(rawValue: Int32(value.number("code")!)), value.text("message"),
        retriable: value["retriable"]!.bool!, logStartOffset: value.number("log_start_offset"),
        highWatermark: value.number("high_watermark"),
        cause: ReplyCause(rawValue: value.text("cause")),
        nextOffset: value.number("next_offset"))
}

private func produced(_ value: JSONValue) -> ProduceReply {
    var reply = ProduceReply(results: [], compared: value["compared"]!.bool!)
    for one in value["results"]!.array! {
        var result = ProduceResult(
            partition: Int32(one.number("partition")!), offset: one.number("offset")!,
            timestamp: one.number("timestamp")!)
        if let failure = one["error"] {
            result.error = reply.errors.count
            reply.errors.append(error(failure))
        }
        reply.results.append(result)
    }
    return reply
}

private func topic(_ value: JSONValue) -> TopicMetadata {
    TopicMetadata(
        topic: value.text("topic"),
        partitions: value["partitions"]!.array!.map {
            PartitionMetadata(partition: Int32($0.number("partition")!), code: code($0))
        }, code: code(value))
}

private func code(_ value: JSONValue) -> ReplyCode? {
    let code = Int32(value.number("code")!)
    return code == 0 ? nil : ReplyCode(rawValue: code)
}

/// Writes a reply with records, as the gateway would send it.
func batch(_ description: String, _ format: MessageFormat) -> [UInt8] {
    guard let value = try? JSONValue.parse(description) else { fatalError("bad description") }
    var kind = BatchHead.Kind.fetch
    if value.text("kind") == "subscribe_resp" {
        kind = .push(topic: value.text("topic"), partition: Int32(value.number("partition")!))
    }
    let head = BatchHead(
        sequence: value.number("sequence")!, kind: kind,
        nextOffset: value.number("next_offset") ?? -1,
        highWatermark: value.number("high_watermark") ?? -1,
        logStartOffset: value.number("log_start_offset") ?? -1,
        lastStableOffset: value.number("last_stable_offset") ?? -1)
    var records = ByteWriter()
    for message in value["messages"]!.array! { write(message, into: &records) }
    var out = ByteWriter()
    if format == .binary {
        head.write(recordBytes: records.count, into: &out)
        precondition(out.count == head.size(recordBytes: records.count))
        records.withBytes { out.bytes($0) }
    } else {
        let hasRecords = records.count > 0
        head.writeJSONStart(as: format, hasRecords: hasRecords, into: &out)
        records.withBytes { try! RecordTranscoder.writeAll($0, as: format, into: &out) }
        head.writeJSONEnd(as: format, hasRecords: hasRecords, into: &out)
    }
    return out.array
}

private func write(_ message: JSONValue, into out: inout ByteWriter) {
    let key = message["key"].map { hexDecoded($0.string!) }
    let value = message["value"].map { hexDecoded($0.string!) }
    let headers = message["headers"]!.array!
    var raw = ByteWriter()
    for header in headers {
        let name = hexDecoded(header.text("key"))
        let value = header["value"].map { hexDecoded($0.string!) }
        raw.varint(Int64(name.count))
        raw.bytes(name)
        raw.varint(Int64(value?.count ?? -1))
        raw.bytes(value ?? [])
    }
    raw.array.withUnsafeBytes { raw in
        (key ?? []).withUnsafeBytes { keyBytes in
            (value ?? []).withUnsafeBytes { valueBytes in
                _ = KafkaMessageWriter.write(
                    offset: message.number("offset")!, timestamp: message.number("timestamp")!,
                    key: keyBytes.baseAddress, keyCount: key?.count ?? -1,
                    value: valueBytes.baseAddress, valueCount: value?.count ?? -1,
                    headers: try! RecordHeaders(raw, count: headers.count),
                    appendTime: message["append_time"]!.bool!, into: &out)
            }
        }
    }
}
