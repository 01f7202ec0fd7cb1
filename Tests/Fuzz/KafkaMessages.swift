import Bytes
import KafkaMirror
import KafkaProtocol
import KafkaTestCodecs

/// The decoders of Kafka's messages, and the reader of requests' headers. Whatever is read is
/// written and read again: nothing of it may be lost.
let kafkaMessageTargets = [
    FuzzTarget("kafka-message", seeds: zeros()) { input in
        guard input.count >= 2 else { return }
        let pair = codecMessages[Int(input[0] >> 1) % codecMessages.count]
        let key = pair.request.apiKey
        guard let codec = MessageCodec(key: key, isRequest: input[0] & 1 == 0) else { return }
        let version = Int16(input[1] & 0x1f)
        guard codec.decodes(version) else { return }
        let body = UnsafeRawBufferPointer(rebasing: input[2...])
        roundTrip(codec, version, body)
    },
    FuzzTarget("kafka-request-header") { input in
        var r = ByteReader(input)
        _ = try? RequestHeader.decode(&r)
        require(r.position <= input.count, "read beyond the bytes")
    },
]

private func roundTrip(_ codec: MessageCodec, _ version: Int16, _ body: UnsafeRawBufferPointer) {
    guard let message = try? codec.decode(body, version: version) else { return }
    guard codec.encodes(version) else { return }
    let again = message.encoded(version: version, records: body)
    let isSame = again.withUnsafeBytes { bytes in
        guard let second = try? codec.decode(bytes, version: version) else { return false }
        return describe(message, records: body) == describe(second, records: bytes)
    }
    require(isSame, "\(codec.type) \(version) is not what was written")
}

/// Each message of zeros: before flexible versions these are empty strings and arrays.
private func zeros() -> [[UInt8]] {
    codecMessages.indices.flatMap { index in
        [true, false].compactMap { isRequest -> [UInt8]? in
            let key = codecMessages[index].request.apiKey
            guard let codec = MessageCodec(key: key, isRequest: isRequest) else { return nil }
            let newest = min(codec.type.versions.upperBound, codec.type.flexibleFrom - 1)
            let version = max(codec.type.versions.lowerBound, newest)
            let head = [UInt8(index << 1 | (isRequest ? 0 : 1)), UInt8(version)]
            return (0..<64).lazy.map { [UInt8](repeating: 0, count: $0) }
                .first { body in
                    body.withUnsafeBytes { (try? codec.decode($0, version: version)) != nil }
                }.map { head + $0 }
        }
    }
}
