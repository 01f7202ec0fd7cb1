import Bytes
import Compression

extension RecordBatchWriter {
    /// Ends the batch as it goes to a broker. Its memory goes with it.
    public consuming func seal(_ stamp: ProducerStamp = .none) -> SealedBatch {
        header.attributes &= ~RecordBatchHeader.Attribute.compressionMask
        return SealedBatch(header, stamp, bytes.take(spares))
    }

    /// The same with its records compressed, unless that makes them no smaller or there is no
    /// memory for it: readers take either.
    public consuming func seal(
        _ stamp: ProducerStamp = .none, _ compressor: inout Compressor
    ) -> SealedBatch {
        guard compressor.codec != .none else { return seal(stamp) }
        let capacity = bytes.count
        var packed =
            spares.map { ByteWriter(adopting: $0.take(capacity)) } ?? ByteWriter(capacity: capacity)
        guard pack(&compressor, into: &packed), packed.count < bytes.count else {
            spares?.give(&packed)
            return seal(stamp)
        }
        header.attributes &= ~RecordBatchHeader.Attribute.compressionMask
        header.attributes |= Int16(compressor.codec.rawValue)
        spares?.give(&bytes)
        return SealedBatch(header, stamp, packed.take(spares))
    }

    /// Room for the header, and the records compressed.
    private func pack(
        _ compressor: inout Compressor, into packed: inout ByteWriter
    ) -> Bool {
        _ = packed.extend(RecordBatchHeader.byteCount)
        // The bytes stay where they are: nothing is appended to them any more.
        let whole = bytes.withBytes { $0 }
        let records = UnsafeRawBufferPointer(rebasing: whole[RecordBatchHeader.byteCount...])
        do {
            try compressor.compress(records, into: &packed)
            return true
        } catch {
            return false
        }
    }
}

extension SpareBlocks {
    fileprivate func give(_ writer: inout ByteWriter) {
        if let block = writer.release() { give(block) }
    }
}

extension ByteWriter {
    /// As a block whose memory goes to `spares` in the end.
    fileprivate mutating func take(_ spares: SpareBlocks?) -> ByteBlock {
        let count = count
        guard let spares, let block = release() else {
            shrink()
            return take()
        }
        return ByteBlock(adopting: block, count: count, spares: spares)
    }
}
