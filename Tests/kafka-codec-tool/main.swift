// The bridge by which another implementation's codec is compared with ours: Tests/check-protocol
// feeds it.
//
//   in   KEY request|response VERSION HEX      a message without its header
//   out  {"value": ..., "again": HEX or null}  as it was read, and written again where our side can
//        {"error": ...}
//
//   in   records HEX                           a record set
//   out  {"value": [{"magic": ..., "isControl": ..., "records": [...]}, ...], "isCut": ...,
//         "again": HEX of the batches of magic 2 as the library's writer makes them, uncompressed}
//        {"error": ...}
//
// With `--formats` it prints `KEY request|response decode|encode FIRST LAST` and ends.

import Bytes
import Glibc
import KafkaMirror
import KafkaProtocol
import KafkaTestCodecs

func answer(_ line: String) -> String {
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 4, let key = Int16(words[0]), let version = Int16(words[2]),
        let codec = MessageCodec(key: key, isRequest: words[1] == "request"),
        let bytes = bytes(hex: words[3].utf8)
    else { return "{\"error\":\"not a request to this tool\"}" }
    return bytes.withUnsafeBytes { bytes in
        do {
            let message = try codec.decode(bytes, version: version)
            let again =
                codec.encodes(version)
                ? "\"\(hex(message.encoded(version: version, records: bytes)))\"" : "null"
            return "{\"value\":\(describe(message, records: bytes)),\"again\":\(again)}"
        } catch {
            return "{\"error\":\"\(error)\"}"
        }
    }
}

func answerRecords(_ text: Substring) -> String {
    guard let bytes = bytes(hex: text.utf8) else { return "{\"error\":\"not hexadecimal\"}" }
    return bytes.withUnsafeBytes { bytes in
        do {
            let set = try RecordSet(bytes)
            let entries = set.entries.map { entry in
                "{\"magic\":\(entry.header.magic),\"isControl\":\(entry.header.isControl),"
                    + "\"records\":\(describe(entry.records, records: bytes))}"
            }
            return "{\"value\":[\(entries.joined(separator: ","))],\"isCut\":\(set.isCut),"
                + "\"again\":\"\(hex(set.entries.flatMap(written)))\"}"
        } catch {
            return "{\"error\":\"\(error)\"}"
        }
    }
}

func written(_ entry: RecordSet.Entry) -> [UInt8] {
    guard entry.header.magic == 2 else { return [] }
    var writer = RecordBatchWriter(entry.header)
    for record in entry.records {
        writer.append(
            key: record.key, value: record.value,
            headers: record.headers.map { ($0.name, $0.value) }, timestamp: record.timestamp)
    }
    let batch = writer.seal()
    return withExtendedLifetime(batch) { [UInt8](batch.block.bytes) }
}

func formats() {
    for (request, response) in codecMessages {
        guard let api = KafkaAPI.with(key: request.apiKey) else { continue }
        let library = request.versions
        print(api.key, "request decode", api.versions.lowerBound, api.versions.upperBound)
        print(api.key, "request encode", library.lowerBound, library.upperBound)
        print(api.key, "response decode", library.lowerBound, library.upperBound)
        print(api.key, "response encode", api.versions.lowerBound, api.versions.upperBound)
        precondition(response.apiKey == api.key, "a pair of different APIs")
    }
}

if CommandLine.arguments.dropFirst().first == "--formats" {
    formats()
} else {
    while let line = readLine() {
        print(line.hasPrefix("records ") ? answerRecords(line.dropFirst(8)) : answer(line))
    }
}
