// What the pub/sub codecs cost, in nanoseconds of this thread's CPU: the best of seven rounds.
//
//   swift run -c release pubsub-bench

import Bytes
import Glibc
import JSON
import PubSubProtocol
import RecordFormat

func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

func best(_ name: String, _ count: Int, _ body: () -> Void) {
    var best = Int.max
    for _ in 0..<7 {
        let start = now()
        body()
        best = min(best, now() - start)
    }
    let tenths = best * 10 / count
    print("\(name): \(tenths / 10).\(tenths % 10) ns")
}

/// 100 bytes on the wire of Kafka: a key of 8, a value of 80.
func writeRecords(_ count: Int, into out: inout ByteWriter, headers: [UInt8] = []) {
    let key = [UInt8](repeating: 0x6b, count: 8)
    let value = [UInt8](repeating: 0x76, count: 80)
    key.withUnsafeBytes { key in
        value.withUnsafeBytes { value in
            headers.withUnsafeBytes { raw in
                for index in 0..<count {
                    guard let headers = try? RecordHeaders(raw, count: raw.isEmpty ? 0 : 1)
                    else { fatalError() }
                    KafkaMessageWriter.write(
                        offset: 1_000_000 + Int64(index),
                        timestamp: 1_700_000_000_000 + Int64(index),
                        key: key.baseAddress, keyCount: key.count, value: value.baseAddress,
                        valueCount: value.count, headers: headers, into: &out)
                }
            }
        }
    }
}

func measureWriter() {
    let count = 10_000
    var out = ByteWriter(capacity: count * 128)
    // One header: "trace", 16 bytes.
    let headers = [UInt8]([10]) + Array("trace".utf8) + [32] + [UInt8](repeating: 0x61, count: 16)
    for (name, headers) in [("", []), (" with a header", headers)] {
        best("KafkaMessage of 100 bytes, written\(name)", count) {
            for _ in 0..<20 {
                out.removeAll()
                writeRecords(count / 20, into: &out, headers: headers)
            }
        }
    }
}

func measureTranscoder() {
    var records = ByteWriter()
    writeRecords(1000, into: &records)
    var out = ByteWriter(capacity: 1 << 20)
    for format in [MessageFormat.json, .text] {
        best("KafkaMessage to \(format)", 1000) {
            out.removeAll()
            records.withBytes { try? RecordTranscoder.writeAll($0, as: format, into: &out) }
        }
    }
}

func measureRequests() {
    let count = 10_000
    let ping: [UInt8] = [8, 3, 0x82, 2, 6, 0x0a, 4, 0x74, 0x65, 0x73, 0x74]
    let topic = Array("test-consumer".utf8)
    let fetch: [UInt8] = [8, 3, 0x8a, 2, 0x11, 0x0a, 13] + topic + [0x18, 14]
    let json = Array(
        #"{"sequence":3,"cmdKafkaFetch":{"topic":"test-consumer","offset":"14"}}"#.utf8)
    let cases: [(String, [UInt8], MessageFormat)] = [
        ("ping, decoded", ping, .binary), ("fetch, decoded", fetch, .binary),
        ("fetch in JSON, decoded", json, .json),
    ]
    for (name, bytes, format) in cases {
        best(name, count) {
            bytes.withUnsafeBytes { raw in
                for _ in 0..<count {
                    guard let request = try? PubSubRequest.decode(raw, as: format),
                        request.sequence == 3
                    else { fatalError() }
                }
            }
        }
    }
    var out = ByteWriter(capacity: 4096)
    best("pong, written", count) {
        topic.withUnsafeBytes { state in
            for _ in 0..<count {
                out.removeAll()
                Reply.pong(state: state).write(sequence: 3, as: .binary, into: &out)
            }
        }
    }
    let head = BatchHead(sequence: 3, kind: .fetch, nextOffset: 1_000_000, highWatermark: 2_000_000)
    best("head of a fetch reply, sized and written", count) {
        for index in 0..<count {
            out.removeAll()
            head.write(recordBytes: index, into: &out)
            precondition(out.count == head.size(recordBytes: index))
        }
    }
}

measureWriter()
measureTranscoder()
measureRequests()
