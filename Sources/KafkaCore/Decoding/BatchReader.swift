import KafkaProtocol

/// The records of a batch of any format.
enum BatchReader {
    /// Not decompressed yet.
    case none
    case records(RecordReader)
    case legacy(LegacyRecordReader)
}

protocol RecordSource {
    mutating func next(_ record: inout Record) throws(RecordError) -> Bool
}

extension RecordReader: RecordSource {}
extension LegacyRecordReader: RecordSource {}
