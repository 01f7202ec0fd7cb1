import Bytes

/// What stands in front of every response, behind the frame's length.
public struct ResponseHeader: Equatable, Sendable {
    public var correlationID: Int32

    public init(correlationID: Int32) { self.correlationID = correlationID }

    /// Header version 0, or version 1 if `flexible` (`KafkaResponse.hasFlexibleHeader`).
    public static func decode(
        _ r: inout ByteReader, flexible: Bool
    ) throws(BytesError) -> ResponseHeader {
        let header = ResponseHeader(correlationID: try r.int32())
        if flexible { try r.skipTags() }
        return header
    }
}
