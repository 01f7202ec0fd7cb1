import KafkaProtocol

/// A record as values that can be compared and kept.
public struct OwnedRecord: Equatable {
    public var offset: Int64
    public var timestamp: Int64
    public var key: [UInt8]?
    public var value: [UInt8]?
    public var headers: [OwnedHeader] = []

    public init(
        offset: Int64, timestamp: Int64, key: [UInt8]?, value: [UInt8]?,
        headers: [OwnedHeader] = []
    ) {
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }

    public init(_ record: Record) throws(RecordError) {
        self.init(
            offset: record.offset, timestamp: record.timestamp,
            key: record.keyBytes.map { [UInt8]($0) }, value: record.valueBytes.map { [UInt8]($0) })
        var reader = RecordHeaderReader(record)
        while let header = try reader.next() {
            headers.append(
                OwnedHeader(name: [UInt8](header.name), value: header.value.map { [UInt8]($0) }))
        }
    }
}

public struct OwnedHeader: Equatable {
    public var name: [UInt8]
    public var value: [UInt8]?

    public init(name: [UInt8], value: [UInt8]?) {
        self.name = name
        self.value = value
    }
}
