import Bytes

/// A metadata response that is read topic by topic. Of a cluster with thousands of topics a reader
/// takes so many at a time as it has time for; the bytes are lent for each step anew.
public struct MetadataCursor {
    private let version: Int16
    /// Where it goes on.
    private var position: Int
    /// Topics that are still to come.
    private var left: Int
    /// All but the topics. What stands behind them, the error of the whole among it, is known once
    /// `next` has answered nil.
    public private(set) var response: MetadataResponse
    /// How many topics are announced; each has a few bytes at least.
    public let topicCount: Int

    /// Reads what stands in front of the topics. `reader`: behind the response's header.
    public init(_ reader: ByteReader, version: Int16) throws(BytesError) {
        var reader = reader
        let flexible = version >= MetadataResponse.flexibleFrom
        var head = MetadataResponse()
        head.throttleTimeMilliseconds = try reader.int32()
        let brokers = try reader.count(flexible: flexible, eachAtLeast: 11)
        head.brokers = try MetadataResponse.Broker.decodeArray(&reader, version, brokers)
        head.clusterID = try reader.nullableString(flexible: flexible)
        head.controllerID = try reader.int32()
        topicCount = try reader.count(flexible: flexible, eachAtLeast: 9)
        left = topicCount
        position = reader.position
        response = head
        self.version = version
    }

    /// The next topic of the same bytes as before; nil: all were read.
    public mutating func next(
        _ bytes: UnsafeRawBufferPointer
    ) throws(BytesError) -> MetadataResponse.Topic? {
        var reader = ByteReader(bytes)
        try reader.skip(position)
        guard left > 0 else {
            try readEnd(&reader)
            return nil
        }
        let topic = try MetadataResponse.Topic.decode(&reader, version: version)
        left -= 1
        position = reader.position
        return topic
    }

    private mutating func readEnd(_ reader: inout ByteReader) throws(BytesError) {
        if version >= 8 && version <= 10 {
            response.clusterAuthorizedOperations = try reader.int32()
        }
        if version >= 13 { response.errorCode = try reader.int16() }
        if version >= MetadataResponse.flexibleFrom { try reader.skipTags() }
    }
}
