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
        write(to: w.extend(RecordBatchHeader.byteCount), batchCount: batchCount)
    }

    /// The same to where there is room for them.
    func write(to place: UnsafeMutableRawPointer, batchCount: Int) {
        place.store(baseOffset, at: 0)
        place.store(Int32(clamping: batchCount - RecordBatchHeader.prefixByteCount), at: 8)
        place.store(partitionLeaderEpoch, at: 12)
        place.store(magic, at: RecordBatchHeader.magicAt)
        place.store(checksum, at: RecordBatchHeader.checksumAt)
        place.store(attributes, at: RecordBatchHeader.checksummedFrom)
        place.store(lastOffsetDelta, at: 23)
        place.store(baseTimestamp, at: 27)
        place.store(maxTimestamp, at: 35)
        place.store(producerID, at: 43)
        place.store(producerEpoch, at: 51)
        place.store(baseSequence, at: 53)
        place.store(recordCount, at: 57)
    }
}

extension UnsafeMutableRawPointer {
    /// A fixed field, the most significant byte first.
    @inline(__always)
    fileprivate func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
    }
}

extension UnsafeRawBufferPointer {
    /// A fixed field; the caller has checked that the bytes are there.
    @inline(__always)
    func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}
