/// What the record of a control batch says: the end of a transaction.
public enum ControlMarker: Equatable, Sendable {
    case abort
    case commit
    /// Markers of the brokers among themselves (leader change, snapshots, ...).
    case other(Int16)

    /// The key of a control record is its version and its type, 16 bits each; nil for anything
    /// shorter or of a negative version. Longer keys of later versions are read all the same.
    public init?(key: UnsafeRawBufferPointer?) {
        guard let key, key.count >= 4 else { return nil }
        let version: Int16 = key.bigEndian(at: 0)
        let type: Int16 = key.bigEndian(at: 2)
        guard version >= 0 else { return nil }
        switch type {
        case 0: self = .abort
        case 1: self = .commit
        default: self = .other(type)
        }
    }
}

extension RecordBatch {
    /// The marker of an uncompressed control batch; markers are never compressed. Only the first
    /// record counts: a transaction ends once.
    public func controlMarker() throws(RecordError) -> ControlMarker? {
        guard header.isControl, header.compressionCode == 0 else { return nil }
        var reader = RecordReader(header, payload: payload)
        var record = Record()
        guard try reader.next(&record) else { return nil }
        return ControlMarker(key: record.keyBytes)
    }
}
