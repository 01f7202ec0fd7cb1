import KafkaProtocol

/// The records of a batch of any format.
enum BatchReader {
    /// Not decompressed yet.
    case none
    case records(RecordReader)
    case legacy(LegacyRecordReader)

    /// What is still to be read, as far as that is known.
    var left: (bytes: Int, records: Int) {
        switch self {
        case .records(let reader): (reader.bytesLeft, reader.left)
        case .none, .legacy: (0, 0)
        }
    }
}
