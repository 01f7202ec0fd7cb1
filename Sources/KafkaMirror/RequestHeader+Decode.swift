import Bytes
import KafkaProtocol

extension RequestHeader {
    /// Leaves the reader at the request itself. A request whose key is unknown is read as if it
    /// were not flexible: nothing behind the header can be understood then anyway.
    public static func decode(_ r: inout ByteReader) throws(BytesError) -> RequestHeader {
        let apiKey = try r.int16()
        let apiVersion = try r.int16()
        let correlationID = try r.int32()
        let header = RequestHeader(
            apiKey: apiKey, apiVersion: apiVersion, correlationID: correlationID,
            clientID: try r.nullableString(flexible: false))
        if let api = KafkaAPI.with(key: apiKey), apiVersion >= api.flexibleFrom {
            try r.skipTags()
        }
        return header
    }
}
