import Bytes

/// A request that carries record batches. Its encoder leaves them out and notes where they belong,
/// so that a batch of a megabyte goes to the kernel from where it was built.
public protocol RecordsRequest: RequestMessage {
    /// Adds a gap for each record set that is not null, in the order of the message.
    func encode(_ w: inout ByteWriter, version: Int16, gaps: inout [RecordGap])
}

/// A place among encoded bytes where a record set belongs.
public struct RecordGap: Equatable, Sendable {
    /// Encoded bytes before it.
    public var at: Int
    public var records: KafkaBytes

    public init(at: Int, records: KafkaBytes) {
        self.at = at
        self.records = records
    }
}

/// Batches from this size on are not copied into the frame: below, another block costs more.
public let batchBytesSplicedMin = 4 << 10

extension RecordsRequest {
    /// Appends the blocks of one whole frame to `frame`: length, header, request, and in their
    /// places the batches, one for each record set that is not null, in the order of the message.
    /// A large batch is the caller's block itself: it must not change before it was sent.
    public func encodeFrame(
        into frame: inout [ByteBlock], batches: [ByteBlock], version: Int16, correlationID: Int32,
        clientID: String?
    ) {
        var w = ByteWriter(capacity: 256)
        w.int32(0)
        let header = RequestHeader(
            apiKey: Self.apiKey, apiVersion: version, correlationID: correlationID,
            clientID: clientID)
        header.encode(&w, flexible: version >= Self.flexibleFrom)
        var gaps: [RecordGap] = []
        gaps.reserveCapacity(batches.count)
        encode(&w, version: version, gaps: &gaps)
        precondition(gaps.count == batches.count, "a batch for every record set")
        let size = batches.reduce(w.count - 4) { $0 + $1.count }
        w.patchInt32(Int32(clamping: size), at: 0)
        w.withBytes { fill(gaps, of: $0, with: batches, into: &frame) }
    }

    private func fill(
        _ gaps: [RecordGap], of bytes: UnsafeRawBufferPointer, with batches: [ByteBlock],
        into frame: inout [ByteBlock]
    ) {
        var piece = ByteWriter(capacity: bytes.count)
        var done = 0
        for (gap, batch) in zip(gaps, batches) {
            precondition(gap.records.count == batch.count, "a batch of the size that was announced")
            piece.bytes(UnsafeRawBufferPointer(rebasing: bytes[done..<gap.at]))
            done = gap.at
            if batch.count < batchBytesSplicedMin {
                piece.bytes(batch.bytes)
            } else {
                frame.append(piece.take())
                frame.append(batch)
            }
        }
        piece.bytes(UnsafeRawBufferPointer(rebasing: bytes[done...]))
        if !piece.isEmpty { frame.append(piece.take()) }
    }
}
