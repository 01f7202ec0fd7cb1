import Bytes
import KafkaMirror
import KafkaProtocol

/// Responses as frames, for scripted brokers.
enum Frames {
    static func response(_ header: RequestHeader, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
        var writer = ByteWriter()
        let isFlexible =
            KafkaAPI.with(key: header.apiKey)?.hasFlexibleResponseHeader(version: header.apiVersion)
            ?? false
        ResponseHeader(correlationID: header.correlationID).encode(&writer, flexible: isFlexible)
        body(&writer)
        return writer.array
    }

    /// A correlation id and these bytes.
    static func raw(_ header: RequestHeader, _ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.int32(header.correlationID)
        writer.bytes(bytes)
        return writer.array
    }
}
