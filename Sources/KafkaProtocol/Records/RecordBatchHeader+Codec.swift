import Bytes

extension RecordBatchHeader {
    /// Reads the header of `batch`, which is a whole batch with magic 2, and checks what it claims.
    /// `place` is added to the offsets of errors.
    static func decode(
        _ batch: UnsafeRawBufferPointer, place: Int
    ) throws(RecordError) -> RecordBatchHeader {
        guard batch.count >= byteCount else { throw RecordError(.invalidLength, at: place + 8) }
        var header = RecordBatchHeader()
        header.baseOffset = batch.bigEndian(at: 0)
        header.partitionLeaderEpoch = batch.bigEndian(at: 12)
        header.magic = batch.bigEndian(at: 16)
        header.checksum = batch.bigEndian(at: 17)
        header.attributes = batch.bigEndian(at: 21)
        header.lastOffsetDelta = batch.bigEndian(at: 23)
        header.baseTimestamp = batch.bigEndian(at: 27)
        header.maxTimestamp = batch.bigEndian(at: 35)
        header.producerID = batch.bigEndian(at: 43)
        header.producerEpoch = batch.bigEndian(at: 51)
        header.baseSequence = batch.bigEndian(at: 53)
        header.recordCount = batch.bigEndian(at: 57)
        try header.check(payloadCount: batch.count - byteCount, place: place)
        return header
    }

    private func check(payloadCount: Int, place: Int) throws(RecordError) {
        let end = baseOffset.addingReportingOverflow(Int64(lastOffsetDelta) + 1)
        guard baseOffset >= 0, lastOffsetDelta >= 0, !end.overflow else {
            throw RecordError(.invalidOffset, at: place)
        }
        // Even a compressed record takes more than nothing. More records than offsets are no fault:
        // some producers understate the last one (`RecordReader.deltaMax`).
        guard recordCount >= 0, recordCount == 0 || payloadCount > 0,
            compressionCode != 0 || Int(recordCount) <= payloadCount / RecordReader.recordBytesMin
        else { throw RecordError(.invalidCount, at: place + 57) }
    }

    /// Writes the 61 bytes. `batchCount` is the size of the whole batch with them.
    public func encode(_ w: inout ByteWriter, batchCount: Int) {
        w.int64(baseOffset)
        w.int32(Int32(clamping: batchCount - RecordBatchHeader.prefixByteCount))
        w.int32(partitionLeaderEpoch)
        w.int8(magic)
        w.uint32(checksum)
        w.int16(attributes)
        w.int32(lastOffsetDelta)
        w.int64(baseTimestamp)
        w.int64(maxTimestamp)
        w.int64(producerID)
        w.int16(producerEpoch)
        w.int32(baseSequence)
        w.int32(recordCount)
    }
}

extension UnsafeRawBufferPointer {
    /// A fixed field; the caller has checked that the bytes are there.
    @inline(__always)
    func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}
