import Bytes
import KafkaMirror
import KafkaProtocol

/// A message both of whose codecs can be called without knowing its type: the library has one of
/// them, the mirror the other.
public protocol CodecMessage: APIMessage {
    static func decode(_ r: inout ByteReader, version: Int16) throws(BytesError) -> Self
    func encode(_ w: inout ByteWriter, version: Int16, records: UnsafeRawBufferPointer)
}

/// A message without record sets.
public protocol PlainCodecMessage: CodecMessage {
    func encode(_ w: inout ByteWriter, version: Int16)
}

extension PlainCodecMessage {
    public func encode(_ w: inout ByteWriter, version: Int16, records: UnsafeRawBufferPointer) {
        encode(&w, version: version)
    }
}

/// A message whose encoder leaves gaps for the record sets.
public protocol GappedCodecMessage: CodecMessage, RecordsRequest {}

extension GappedCodecMessage {
    public func encode(_ w: inout ByteWriter, version: Int16, records: UnsafeRawBufferPointer) {
        var gaps: [RecordGap] = []
        var rest = ByteWriter()
        encode(&rest, version: version, gaps: &gaps)
        rest.withBytes { bytes in
            var done = 0
            for gap in gaps {
                w.bytes(UnsafeRawBufferPointer(rebasing: bytes[done..<gap.at]))
                if let set = gap.records.bytes(of: records) { w.bytes(set) }
                done = gap.at
            }
            w.bytes(UnsafeRawBufferPointer(rebasing: bytes[done...]))
        }
    }
}
