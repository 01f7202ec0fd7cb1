import Bytes
import KafkaMirror
import KafkaProtocol

/// A response that goes into a frame without anything beside it.
protocol Answer: KafkaResponse {
    func encode(_ w: inout ByteWriter, version: Int16)
}

extension RequestContext {
    /// The frame of an answer: length, header, response.
    func frame<R: Answer>(_ response: R) -> ByteBlock {
        var writer = ByteWriter(capacity: 256)
        begin(&writer, R.self)
        response.encode(&writer, version: version)
        writer.patchInt32(Int32(clamping: writer.count - 4), at: 0)
        return writer.take()
    }

    /// The length, to be patched, and the header.
    func begin<R: KafkaResponse>(_ writer: inout ByteWriter, _ type: R.Type) {
        writer.int32(0)
        ResponseHeader(correlationID: header.correlationID)
            .encode(&writer, flexible: R.hasFlexibleHeader(version: version))
    }

    func reply<R: Answer>(_ response: R) -> Outcome { .reply(frame(response)) }
}

extension ListOffsetsResponse: Answer {}
extension MetadataResponse: Answer {}
extension OffsetCommitResponse: Answer {}
extension OffsetFetchResponse: Answer {}
extension FindCoordinatorResponse: Answer {}
extension JoinGroupResponse: Answer {}
extension HeartbeatResponse: Answer {}
extension LeaveGroupResponse: Answer {}
extension SyncGroupResponse: Answer {}
extension DescribeGroupsResponse: Answer {}
extension ListGroupsResponse: Answer {}
extension SaslHandshakeResponse: Answer {}
extension ApiVersionsResponse: Answer {}
extension CreateTopicsResponse: Answer {}
extension DeleteTopicsResponse: Answer {}
extension DeleteRecordsResponse: Answer {}
extension InitProducerIdResponse: Answer {}
extension OffsetForLeaderEpochResponse: Answer {}
extension AddPartitionsToTxnResponse: Answer {}
extension AddOffsetsToTxnResponse: Answer {}
extension EndTxnResponse: Answer {}
extension TxnOffsetCommitResponse: Answer {}
extension DescribeConfigsResponse: Answer {}
extension SaslAuthenticateResponse: Answer {}
extension CreatePartitionsResponse: Answer {}
extension DescribeClusterResponse: Answer {}
extension ProduceResponse: Answer {}
