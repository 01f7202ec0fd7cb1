import KafkaProtocol

extension ProducedBatch {
    /// The places in the batch of the records that have no key. The only question for which a
    /// broker looks at records.
    func recordsWithoutKey() throws(KafkaError) -> [Int32] {
        var reader = RecordSetReader(bytes)
        guard let batch = try? reader.next(), let payload = storedRecords(batch) else {
            throw .corruptMessage
        }
        return try payload.withUnsafeBufferPointer { bytes throws(KafkaError) in
            var records = RecordReader(batch.header, payload: UnsafeRawBufferPointer(bytes))
            var record = Record()
            var places: [Int32] = []
            do throws(RecordError) {
                while try records.next(&record) {
                    let place = batch.header.recordCount - 1 - Int32(records.left)
                    if record.keyCount < 0 { places.append(place) }
                }
            } catch {
                throw .corruptMessage
            }
            return places
        }
    }
}
