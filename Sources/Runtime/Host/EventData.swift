import Glibc
import KafkaCore

/// Records as `KafkaMessageWriter` wrote them, one piece behind the other.
public struct RecordsOfEvent: Sendable {
    public let topic: String
    public let partition: Int32
    public let count: Int
    public let pieces: [HeldRecords]
}

/// What became of records that a host has produced.
public struct DeliveryOfEvent: Sendable {
    public let topic: String
    public let partition: Int32
    /// Of the records, in their order.
    public let tokens: [UInt64]
    /// Of the first of them; -1: not told.
    public let offset: Int64
    /// The broker's, in milliseconds since 1970; -1: the records keep their own.
    public let timestamp: Int64
    /// Why they were not delivered; "": they were.
    public let text: String
    public let mayBeStored: Bool
}

/// Bytes of an event. `pubsubgw_event.data` points to them until the queue's next poll; a NUL
/// stands behind them, for hosts that treat them as a C string. Sendable for the reasons that its
/// fields give.
public final class EventData: @unchecked Sendable {
    /// Never written to after `init`, hence safe to share. Valid while the object lives.
    public let bytes: UnsafeRawBufferPointer
    /// In place of bytes.
    public let records: RecordsOfEvent?
    /// What it tells instead of bytes, if it is of a producer.
    public let delivery: DeliveryOfEvent?
    /// What the poller has made of the records: malloc'ed, freed with them. Only the one thread
    /// that polls the queue touches it.
    public var table: UnsafeMutableRawPointer?
    /// The poller makes structs of it.
    public var isTable: Bool { records != nil || delivery != nil }

    init(_ records: RecordsOfEvent) {
        bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        self.records = records
        delivery = nil
    }

    init(_ delivery: DeliveryOfEvent) {
        bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        records = nil
        self.delivery = delivery
    }

    public init(copying source: UnsafeRawBufferPointer) {
        bytes = Self.terminated(source)
        (records, delivery) = (nil, nil)
    }

    public init(_ array: [UInt8]) {
        bytes = array.withUnsafeBytes { Self.terminated($0) }
        (records, delivery) = (nil, nil)
    }

    public init(_ text: String) {
        var text = text
        bytes = text.withUTF8 { Self.terminated(UnsafeRawBufferPointer($0)) }
        (records, delivery) = (nil, nil)
    }

    deinit {
        free(UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        free(table)
    }

    private static func terminated(_ source: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let copy = malloc(source.count + 1) else {
            preconditionFailure("out of memory for \(source.count) bytes")
        }
        if let from = source.baseAddress { copy.copyMemory(from: from, byteCount: source.count) }
        copy.storeBytes(of: 0, toByteOffset: source.count, as: UInt8.self)
        return UnsafeRawBufferPointer(start: copy, count: source.count)
    }
}
