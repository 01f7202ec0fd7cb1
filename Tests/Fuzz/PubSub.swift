import Bytes
import JSON
import PubSubProtocol
import RecordFormat

/// Requests of both encodings, and records on their way to JSON.
let pubSubTargets = [
    FuzzTarget("pubsub-request", seeds: binaryRequests) { decode($0, .binary) },
    FuzzTarget("pubsub-request-json", seeds: jsonRequests) { decode($0, .json) },
    FuzzTarget("pubsub-request-text", seeds: jsonRequests) { decode($0, .text) },
    FuzzTarget("pubsub-transcoder", seeds: records) { transcode($0, mustSucceed: false) },
    FuzzTarget("pubsub-record", seeds: headers) { writeRecord($0) },
]

private func decode(_ message: UnsafeRawBufferPointer, _ format: MessageFormat) {
    do throws(MalformedMessage) {
        let request = try PubSubRequest.decode(message, as: format)
        switch request.command {
        case .ping(let range), .unknown(_, let range):
            let count = request.withBytes(range, of: message, in: format) { bytes in
                bytes.reduce(into: 0) { count, _ in count += 1 }
            }
            require(count == range.count, "bytes of another length than told")
        case .produce(let produce):
            request.withRecordBytes(of: message, in: format) { check(produce, $0) }
        case .fetch(let fetch):
            require(fetch.maxBytes >= 0 && fetch.minBytes >= 0, "a negative size")
        default: break
        }
    } catch {
        require(!error.description.isEmpty, "an error without words")
        if case .byte(let place) = error.place {
            require(place >= 0 && place <= message.count, "an error beyond the end")
        }
    }
}

/// Every range lies within what was lent, and headers are as a batch has them.
private func check(_ produce: ProduceCommand, _ lent: ProduceCommand.Bytes) {
    require(lent.value(produce.id).count <= RequestLimits().idBytesMax, "a long id")
    for record in produce.records {
        let topic = lent.value(record.topic)
        require(UTF8Check.firstFault(in: topic) == nil, "a topic that is not UTF-8")
        for range in [record.key, record.value].compactMap({ $0 }) {
            let count = lent.value(range).reduce(into: 0) { count, _ in count += 1 }
            require(count == range.count, "bytes of another length than told")
        }
        let headers = try? RecordHeaders(lent.headers(record.headers), count: record.headerCount)
        require(headers != nil, "headers that no batch has")
        require((record.partition ?? 0) >= 0 && (record.timestamp ?? 0) >= 0, "a negative number")
    }
}

/// What is written for any bytes is a JSON list.
private func transcode(_ records: UnsafeRawBufferPointer, mustSucceed: Bool) {
    for format in [MessageFormat.json, .text] {
        var out = ByteWriter()
        out.jsonBeginArray()
        do throws(BytesError) {
            try RecordTranscoder.writeAll(records, as: format, into: &out)
        } catch {
            require(!mustSucceed, "our own record is refused")
            continue
        }
        out.jsonEndArray()
        let text = String(decoding: out.array, as: UTF8.self)
        require((try? JSONValue.parse(text)) != nil, "what was written is not JSON")
    }
}

/// The first byte is the number of headers, the rest is their bytes, the key and the value.
private func writeRecord(_ input: UnsafeRawBufferPointer) {
    guard let first = input.first else { return }
    let raw = UnsafeRawBufferPointer(rebasing: input[1...])
    guard let headers = try? RecordHeaders(raw, count: Int(first)) else { return }
    var out = ByteWriter()
    let count = KafkaMessageWriter.write(
        offset: Int64(first), timestamp: -1, key: raw.baseAddress, keyCount: raw.count,
        value: nil, valueCount: -1, headers: headers, appendTime: first & 1 == 1, into: &out)
    require(count == out.count, "a record of another size than told")
    out.withBytes { transcode($0, mustSucceed: true) }
}

// MARK: Inputs to start from

private let binaryRequests: [[UInt8]] = [
    // ping, fetch with every field, list offset, subscribe, grant, pause, metadata, a host's own
    [8, 3, 0x82, 2, 6, 0x0a, 4, 0x74, 0x65, 0x73, 0x74],
    [
        0x8a, 2, 0x11, 0x0a, 1, 0x74, 0xa8, 6, 0xe8, 7, 0xb0, 6, 0xfa, 1, 0xb8, 6, 1, 0xc0, 6, 2,
    ],
    [0x92, 2, 5, 0x0a, 1, 0x74, 0x18, 5],
    [0xaa, 6, 0x0d, 0x0a, 9, 0x0a, 1, 0x61, 0x12, 2, 0, 1, 0x18, 1, 0x10, 5],
    [0xba, 6, 4, 8, 5, 0x10, 0x64, 0xc2, 6, 4, 8, 5, 0x10, 1, 0xca, 6, 3, 0x0a, 1, 0x61],
    [0xc2, 0x3e, 3, 0x61, 0x62, 0x63],
    // produce, with every field
    [
        0xf2, 6, 0x1d, 0x0a, 0x16, 0x0a, 1, 0x74, 0x10, 1, 0x1a, 1, 0x6b, 0x22, 2, 0x76, 0, 0x2a, 6,
        0x0a, 1, 0x68, 0x12, 1, 0x69, 0x30, 5, 0x10, 2, 0x1a, 1, 0x69,
    ],
]

private let jsonRequests: [[UInt8]] = [
    #"{"sequence":"1","cmdKafkaFetch":{"topic":"t\u00e9","offset":"5","isolation":1}}"#,
    #"{"cmdSubscribe":{"subscriptions":[{"topic":"t","partitions":[0,-1],"end":"EARLIEST"}],"#
        + #""creditBytes":null,"max_bytes":1e3}}"#,
    #"{"cmdPing":{"state":"dGVzdA=="},"sequence":-1}"#, #"{"cmdPing":{"stateBase64":"_-8"}}"#,
    #"{"cmdProduce":{"records":[{"topic":"t","partition":1,"key":"aw==","value":null,"headers":"#
        + #"[{"key":"h\n","value":"aQ=="},{}],"timestamp":"5"}],"acks":"ACKS_ALL","id":"aQ=="}}"#,
    #"{"cmdProduce":{"records":[{"topic":"t","keyBase64":"/w","value":"\u00e9"}]}}"#,
    #"{"cmdMetadata":{"topics":["a","b"]}}"#, #"{"cmdPause":{"subscription":1,"resume":true}}"#,
].map { Array($0.utf8) }

private let records: [[UInt8]] = [
    [0x0a, 4, 0x1a, 0, 0x22, 0],
    [
        0x0a, 0x13, 8, 5, 0x10, 6, 0x1a, 1, 0x61, 0x22, 1, 0xff, 0xaa, 6, 3, 0x0a, 1, 0x6b, 0xb0,
        6, 1,
    ],
]

private let headers: [[UInt8]] = [[0], [2, 2, 0x6b, 2, 9, 0, 1], [1, 2, 0xff, 1]]
