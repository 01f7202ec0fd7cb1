import Bytes

/// Bytes that one session keeps until they are written.
final class OwnedBytes {
    var bytes = ByteWriter()
    /// Written already.
    var from = 0

    var count: Int { bytes.count - from }

    var rest: UnsafeRawBufferPointer {
        bytes.withBytes { UnsafeRawBufferPointer(rebasing: $0[from...]) }
    }
}

/// Bytes that many sessions are sent.
final class SharedBytes {
    private let bytes: ByteWriter

    init(_ bytes: consuming ByteWriter) { self.bytes = bytes }

    var count: Int { bytes.count }

    func rest(from start: Int) -> UnsafeRawBufferPointer {
        bytes.withBytes { UnsafeRawBufferPointer(rebasing: $0[start...]) }
    }
}
