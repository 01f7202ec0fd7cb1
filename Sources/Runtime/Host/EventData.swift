import Glibc

/// Bytes of an event. `pubsubgw_event.data` points to them until the queue's next poll; a NUL
/// stands behind them, for hosts that treat them as a C string.
public final class EventData: @unchecked Sendable {
    /// Never written to after `init`, hence safe to share. Valid while the object lives.
    public let bytes: UnsafeRawBufferPointer

    public init(copying source: UnsafeRawBufferPointer) {
        bytes = Self.terminated(source)
    }

    public init(_ array: [UInt8]) {
        bytes = array.withUnsafeBytes { Self.terminated($0) }
    }

    public init(_ text: String) {
        var text = text
        bytes = text.withUTF8 { Self.terminated(UnsafeRawBufferPointer($0)) }
    }

    deinit { free(UnsafeMutableRawPointer(mutating: bytes.baseAddress)) }

    private static func terminated(_ source: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let copy = malloc(source.count + 1) else {
            preconditionFailure("out of memory for \(source.count) bytes")
        }
        if let from = source.baseAddress { copy.copyMemory(from: from, byteCount: source.count) }
        copy.storeBytes(of: 0, toByteOffset: source.count, as: UInt8.self)
        return UnsafeRawBufferPointer(start: copy, count: source.count)
    }
}
