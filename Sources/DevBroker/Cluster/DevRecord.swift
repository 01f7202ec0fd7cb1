/// A record for the in-process API.
public struct DevRecord: Sendable, Equatable {
    public var key: [UInt8]?
    public var value: [UInt8]?
    public var headers: [Header]
    /// Milliseconds since 1970; nil: the cluster's clock.
    public var timestamp: Int64?

    public struct Header: Sendable, Equatable {
        public var name: [UInt8]
        public var value: [UInt8]?

        public init(_ name: String, _ value: [UInt8]?) {
            self.name = Array(name.utf8)
            self.value = value
        }
    }

    public init(
        key: [UInt8]? = nil, value: [UInt8]?, headers: [Header] = [], timestamp: Int64? = nil
    ) {
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }

    public init(_ value: String, key: String? = nil, timestamp: Int64? = nil) {
        self.init(
            key: key.map { Array($0.utf8) }, value: Array(value.utf8), timestamp: timestamp)
    }
}

/// Who writes a batch, for idempotent and transactional ones.
public struct DevProducer: Sendable, Equatable {
    public var id: Int64
    public var epoch: Int16
    public var sequence: Int32
    public var isTransactional: Bool

    public init(id: Int64, epoch: Int16 = 0, sequence: Int32 = 0, isTransactional: Bool = false) {
        self.id = id
        self.epoch = epoch
        self.sequence = sequence
        self.isTransactional = isTransactional
    }
}
