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
