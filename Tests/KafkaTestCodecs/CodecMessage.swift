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
