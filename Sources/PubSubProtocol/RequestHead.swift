import Bytes
import JSON

/// What can be told of a request without decoding it, for who refuses it: its sequence, and which
/// command it holds. Of a message that is cut off, or is none, what stands in front.
public struct RequestHead {
    public private(set) var sequence: Int64 = 0
    /// 0: none.
    private var field = 0

    /// Encoders write fields in the order of their numbers, and nobody writes more than a command.
    public static let bytesMax = 4_096

    /// `hostFields`: as in `PubSubRequest.decode`.
    public init(
        _ message: UnsafeRawBufferPointer, as format: MessageFormat,
        hostFields: [String: Int] = [:]
    ) {
        let start = UnsafeRawBufferPointer(rebasing: message.prefix(Self.bytesMax))
        if format == .binary { read(start) } else { try? read(start, hostFields) }
    }

    /// With nothing in it.
    public var command: Command { Command(field: field) }

    /// Of a fetch it is not known: its reply keeps its place among others then.
    public var usesExtensions: Bool { field > 0 && !command.isOriginal }

    private mutating func read(_ message: UnsafeRawBufferPointer) {
        var reader = ByteReader(message)
        while !reader.isAtEnd, (try? readField(&reader)) == true {}
    }

    /// False: what follows cannot be told apart.
    private mutating func readField(_ reader: inout ByteReader) throws(BytesError) -> Bool {
        let tag = try reader.uvarint64()
        switch Int(tag & 7) {
        case WireType.varint:
            let value = try reader.uvarint64()
            if tag >> 3 == 1 { sequence = Int64(bitPattern: value) }
        case WireType.length:
            note(Int(tag >> 3))
            try reader.skip(Int(clamping: try reader.uvarint64()))
        case WireType.fixed64: try reader.skip(8)
        case WireType.fixed32: try reader.skip(4)
        default: return false
        }
        return true
    }

    private mutating func read(
        _ text: UnsafeRawBufferPointer, _ hostFields: [String: Int]
    ) throws(JSONError) {
        var reader = JSONReader(text)
        try reader.beginObject()
        while let key = try reader.nextKey() {
            if key == "sequence" {
                let value = try Self.integer(&reader)
                // Else the number may have been cut off.
                if reader.offset < text.count { sequence = value ?? sequence }
                continue
            }
            if let field = Self.field(key) ?? hostFields[key] { note(field) }
            try reader.skipValue()
        }
    }

    private static func integer(_ reader: inout JSONReader) throws(JSONError) -> Int64? {
        switch try reader.kind() {
        case .number: return try reader.number().int64
        case .string: return JSONNumber(try reader.string())?.int64
        default:
            try reader.skipValue()
            return nil
        }
    }

    private static func field(_ key: String) -> Int? {
        PubSubRequest.fields.first { $0.jsonName == key || $0.name == key }?.number
    }

    /// As in `PubSubRequest`, a command that we know goes before one that we don't.
    private mutating func note(_ number: Int) {
        let isOurs = PubSubRequest.fields.contains { $0.number == number && $0.oneof > 0 }
        if isOurs || field == 0 && Command.isHost(field: number) { field = number }
    }
}
