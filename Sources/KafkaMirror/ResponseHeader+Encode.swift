import Bytes
import KafkaProtocol

extension ResponseHeader {
    public func encode(_ w: inout ByteWriter, flexible: Bool) {
        w.int32(correlationID)
        if flexible { w.noTags() }
    }
}
