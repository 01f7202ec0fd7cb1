import Bytes
import KafkaMirror
import KafkaProtocol

/// The codecs of one message, found by key and direction.
public struct MessageCodec: Sendable {
    public let type: any CodecMessage.Type
    public let isRequest: Bool
    public let api: KafkaAPI

    public init?(key: Int16, isRequest: Bool) {
        guard let api = KafkaAPI.with(key: key),
            let pair = codecMessages.first(where: { $0.request.apiKey == key })
        else { return nil }
        self.api = api
        self.isRequest = isRequest
        type = isRequest ? pair.request : pair.response
    }

    /// Requests are read by the mirror, in all of its versions; responses by the library.
    public func decodes(_ version: Int16) -> Bool {
        (isRequest ? api.versions : type.versions).contains(version)
    }

    /// Requests are written by the library; responses by the mirror, in all of its versions.
    public func encodes(_ version: Int16) -> Bool {
        (isRequest ? type.versions : api.versions).contains(version)
    }

    /// Where the message itself begins in a frame, behind the header.
    public func bodyStart(
        _ frame: UnsafeRawBufferPointer, version: Int16
    ) throws(BytesError) -> Int {
        var r = ByteReader(frame)
        if isRequest {
            _ = try RequestHeader.decode(&r)
        } else {
            let flexible = api.hasFlexibleResponseHeader(version: version)
            _ = try ResponseHeader.decode(&r, flexible: flexible)
        }
        return r.position
    }

    /// Reads a message of which no byte may be left over.
    public func decode(
        _ bytes: UnsafeRawBufferPointer, version: Int16
    ) throws(BytesError) -> any CodecMessage {
        var r = ByteReader(bytes)
        let message = try type.decode(&r, version: version)
        guard r.isAtEnd else { throw BytesError(.invalidLength, at: r.position) }
        return message
    }
}

extension CodecMessage {
    /// `records` is what the message's ranges refer to: the bytes it was decoded from.
    public func encoded(version: Int16, records: UnsafeRawBufferPointer) -> [UInt8] {
        var w = ByteWriter()
        encode(&w, version: version, records: records)
        return w.array
    }
}
