import Bytes

/// A message of one of Kafka's APIs, which the generator wrote. Encoders leave out what a version
/// does not carry and write null as empty where a version knows no null; they never fail. Decoders
/// take every version in `versions` and throw on anything that is not the message, with the offset.
public protocol APIMessage: Equatable, Sendable {
    static var apiKey: Int16 { get }
    static var versions: ClosedRange<Int16> { get }
    /// The first version with compact lengths and tag sections; `Int16.max` if there is none.
    static var flexibleFrom: Int16 { get }
}

public protocol RequestMessage: APIMessage {
    associatedtype Response: KafkaResponse
}

public protocol KafkaRequest: RequestMessage {
    func encode(_ w: inout ByteWriter, version: Int16)
}

public protocol KafkaResponse: APIMessage {
    static func decode(_ r: inout ByteReader, version: Int16) throws(BytesError) -> Self
}

extension KafkaRequest {
    /// Appends a whole frame: length, header, request.
    public func encodeFrame(
        _ w: inout ByteWriter, version: Int16, correlationID: Int32, clientID: String?
    ) {
        let start = w.count
        w.int32(0)
        let header = RequestHeader(
            apiKey: Self.apiKey, apiVersion: version, correlationID: correlationID,
            clientID: clientID)
        header.encode(&w, flexible: version >= Self.flexibleFrom)
        encode(&w, version: version)
        w.patchInt32(Int32(clamping: w.count - start - 4), at: start)
    }
}

extension KafkaResponse {
    /// Whether the header of the response has a tag section. ApiVersions never has: a client must
    /// be able to read the refusal of a version that the broker does not know.
    public static func hasFlexibleHeader(version: Int16) -> Bool {
        version >= flexibleFrom && apiKey != ApiVersionsResponse.apiKey
    }
}
