import JSON

/// `PubSubReq`: one message of a client.
public struct PubSubRequest: Equatable, Sendable {
    public var sequence: Int64 = 0
    public var command = Command.none
    /// What `bytes` fields of a JSON text came to; empty for a binary message.
    private var decoded: [UInt8] = []
    /// Those of the records of a `CmdProduce`.
    private var headers: [UInt8] = []

    init() {}

    /// Whether the request uses anything that the original protocol does not have. The replies to
    /// requests that don't keep their order.
    public var usesExtensions: Bool {
        if case .fetch(let fetch) = command { return fetch.usesExtensions }
        return command != .none && !command.isOriginal
    }

    /// Reads a message in the session's format. `hostFields`: the host's commands by their keys in
    /// JSON; in a binary message every field above 34 may be one.
    public static func decode(
        _ message: UnsafeRawBufferPointer, as format: MessageFormat,
        hostFields: [String: Int] = [:], limits: RequestLimits = RequestLimits()
    ) throws(MalformedMessage) -> PubSubRequest {
        switch format {
        case .binary: try decode(message, limits: limits)
        case .json, .text:
            try decodeJSON(message, as: format, hostFields: hostFields, limits: limits)
        }
    }

    /// Reads a protobuf message as protobuf says: unknown fields, and known ones with another
    /// wire type, are skipped; the last value of a field counts; messages that come in pieces are
    /// merged; the last command on the wire counts. More than protobuf refuses: groups, values
    /// that an enumeration lacks, negative numbers where the proto file says so.
    public static func decode(
        _ message: UnsafeRawBufferPointer, limits: RequestLimits = RequestLimits()
    ) throws(MalformedMessage) -> PubSubRequest {
        var request = PubSubRequest()
        var source = BinarySource(message, limits: limits)
        do {
            try source.read(&request)
        } catch {
            var error = error
            error.sequence = request.sequence
            throw error
        }
        request.headers = source.headers
        return request
    }

    /// Reads a text of `pubsub.json` or `pubsub.text`: proto3 JSON, names in either spelling,
    /// fields that do not exist refused.
    public static func decodeJSON(
        _ text: UnsafeRawBufferPointer, as format: MessageFormat,
        hostFields: [String: Int] = [:], limits: RequestLimits = RequestLimits()
    ) throws(MalformedMessage) -> PubSubRequest {
        var request = PubSubRequest()
        var source = JSONSource(text, format: format, hostFields: hostFields, limits: limits)
        do {
            try source.readAll(&request)
        } catch {
            var error = error
            error.sequence = sequence(in: text) ?? 0
            throw error
        }
        request.decoded = source.decoded
        request.headers = source.headers
        return request
    }

    /// Reads a text that is a `CmdProduce` itself, without a `PubSubReq` around it.
    public static func decodeProduce(
        _ text: UnsafeRawBufferPointer, as format: MessageFormat,
        limits: RequestLimits = RequestLimits()
    ) throws(MalformedMessage) -> PubSubRequest {
        precondition(format != .binary, "a body is JSON")
        var source = JSONSource(text, format: format, hostFields: [:], limits: limits)
        var produce = ProduceCommand()
        try source.readAll(&produce)
        var request = PubSubRequest()
        request.command = .produce(produce)
        request.decoded = source.decoded
        request.headers = source.headers
        return request
    }

    /// The bytes of a range that the command holds. `message` is what was decoded.
    public func withBytes<R>(
        _ range: Range<Int>, of message: UnsafeRawBufferPointer, in format: MessageFormat,
        _ body: (UnsafeRawBufferPointer) -> R
    ) -> R {
        guard format != .binary else {
            return body(UnsafeRawBufferPointer(rebasing: message[range]))
        }
        return decoded.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    /// What `withRecordBytes` lends beside the message.
    public var recordBytes: Int { decoded.count + headers.count }

    /// What the ranges of a `ProduceCommand` are places in. `message` is what was decoded.
    public func withRecordBytes<R>(
        of message: UnsafeRawBufferPointer, in format: MessageFormat,
        _ body: (ProduceCommand.Bytes) -> R
    ) -> R {
        headers.withUnsafeBytes { headers in
            guard format != .binary else {
                return body(ProduceCommand.Bytes(values: message, headers: headers))
            }
            return decoded.withUnsafeBytes {
                body(ProduceCommand.Bytes(values: $0, headers: headers))
            }
        }
    }

    /// The sequence of a text that has an error elsewhere, so that the client learns which of its
    /// requests it was. The field may stand behind the error, if the text is JSON at all.
    private static func sequence(in text: UnsafeRawBufferPointer) -> Int64? {
        var reader = JSONReader(text)
        do {
            try reader.beginObject()
            while let key = try reader.nextKey() {
                guard key == "sequence" else {
                    try reader.skipValue()
                    continue
                }
                switch try reader.kind() {
                case .number: return try reader.number().int64
                case .string: return JSONNumber(try reader.string())?.int64
                default: return nil
                }
            }
        } catch {}
        return nil
    }
}

extension PubSubRequest: RequestMessage {
    static var takesHostFields: Bool { true }

    mutating func readHost(_ number: Int, _ value: Range<Int>) {
        command = .unknown(field: number, payload: value)
    }

    static let fields = [
        Field(1, "sequence"),
        Field(CommandField.empty, "cmd_empty", oneof: 1),
        Field(CommandField.ping, "cmd_ping", oneof: 1),
        Field(CommandField.fetch, "cmd_kafka_fetch", oneof: 1),
        Field(CommandField.listOffset, "cmd_kafka_list_offset", oneof: 1),
        Field(CommandField.subscribe, "cmd_subscribe", oneof: 1),
        Field(CommandField.unsubscribe, "cmd_unsubscribe", oneof: 1),
        Field(CommandField.grant, "cmd_grant", oneof: 1),
        Field(CommandField.pause, "cmd_pause", oneof: 1),
        Field(CommandField.metadata, "cmd_metadata", oneof: 1),
        Field(CommandField.produce, "cmd_produce", oneof: 1),
    ]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        switch number {
        case 1: sequence = try source.int64() ?? sequence
        case CommandField.empty:
            if try source.message(EmptyMessage()) != nil { command = .empty }
        case CommandField.ping: try readPing(from: &source)
        case CommandField.fetch:
            var fetch = FetchCommand()
            if case .fetch(let present) = command { fetch = present }
            command = try source.message(fetch).map { .fetch($0) } ?? command
        case CommandField.listOffset:
            var listOffset = ListOffsetCommand()
            if case .listOffset(let present) = command { listOffset = present }
            command = try source.message(listOffset).map { .listOffset($0) } ?? command
        default: try readOwn(number, from: &source)
        }
    }

    private mutating func readPing<S: FieldSource>(
        from source: inout S
    ) throws(MalformedMessage) {
        var ping = PingMessage()
        if case .ping(let present) = command { ping.state = present }
        if let ping = try source.message(ping) { command = .ping(state: ping.state) }
    }

    /// The commands that the original does not have.
    private mutating func readOwn<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        switch number {
        case CommandField.subscribe:
            var subscribe = SubscribeCommand()
            if case .subscribe(let present) = command { subscribe = present }
            command = try source.message(subscribe).map { .subscribe($0) } ?? command
        case CommandField.unsubscribe:
            var unsubscribe = UnsubscribeCommand()
            if case .unsubscribe(let present) = command { unsubscribe = present }
            command = try source.message(unsubscribe).map { .unsubscribe($0) } ?? command
        case CommandField.grant:
            var grant = GrantCommand()
            if case .grant(let present) = command { grant = present }
            command = try source.message(grant).map { .grant($0) } ?? command
        case CommandField.pause:
            var pause = PauseCommand()
            if case .pause(let present) = command { pause = present }
            command = try source.message(pause).map { .pause($0) } ?? command
        case CommandField.metadata:
            var metadata = MetadataCommand()
            if case .metadata(let present) = command { metadata = present }
            command = try source.message(metadata).map { .metadata($0) } ?? command
        case CommandField.produce: try readProduce(from: &source)
        case 35...: try readUnknown(number, from: &source)
        default: break
        }
    }

    /// Its list may be long: a command in pieces is not copied for each of them.
    private mutating func readProduce<S: FieldSource>(
        from source: inout S
    ) throws(MalformedMessage) {
        var produce = ProduceCommand()
        var hasOne = false
        if case .produce(let present) = command {
            produce = present
            hasOne = true
            command = .none
        }
        if try source.merge(into: &produce) || hasOne { command = .produce(produce) }
    }

    /// To protobuf an unknown command is an unknown field, so that any known one goes before it;
    /// of several unknown ones the last counts.
    private mutating func readUnknown<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        guard let payload = try source.bytes() else { return }
        switch command {
        case .none, .unknown: command = .unknown(field: number, payload: payload)
        default: break
        }
    }
}

/// `CmdEmpty`.
private struct EmptyMessage: RequestMessage {
    static let fields: [Field] = []
    mutating func read<S: FieldSource>(_ number: Int, from: inout S) throws(MalformedMessage) {}
}

/// `CmdPing`.
private struct PingMessage: RequestMessage {
    var state = 0..<0
    static let fields = [Field(1, "state", isBytes: true)]

    mutating func read<S: FieldSource>(
        _ number: Int, from source: inout S
    ) throws(MalformedMessage) {
        if number == 1 { state = try source.bytes() ?? state }
    }
}
