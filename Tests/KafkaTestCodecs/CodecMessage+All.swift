import KafkaMirror
import KafkaProtocol

extension ProduceRequest: GappedCodecMessage {}
extension ProduceResponse: PlainCodecMessage {}
extension FetchRequest: PlainCodecMessage {}
extension FetchResponse: CodecMessage {}
extension ListOffsetsRequest: PlainCodecMessage {}
extension ListOffsetsResponse: PlainCodecMessage {}
extension MetadataRequest: PlainCodecMessage {}
extension MetadataResponse: PlainCodecMessage {}
extension OffsetCommitRequest: PlainCodecMessage {}
extension OffsetCommitResponse: PlainCodecMessage {}
extension OffsetFetchRequest: PlainCodecMessage {}
extension OffsetFetchResponse: PlainCodecMessage {}
extension FindCoordinatorRequest: PlainCodecMessage {}
extension FindCoordinatorResponse: PlainCodecMessage {}
extension JoinGroupRequest: PlainCodecMessage {}
extension JoinGroupResponse: PlainCodecMessage {}
extension HeartbeatRequest: PlainCodecMessage {}
extension HeartbeatResponse: PlainCodecMessage {}
extension LeaveGroupRequest: PlainCodecMessage {}
extension LeaveGroupResponse: PlainCodecMessage {}
extension SyncGroupRequest: PlainCodecMessage {}
extension SyncGroupResponse: PlainCodecMessage {}
extension DescribeGroupsRequest: PlainCodecMessage {}
extension DescribeGroupsResponse: PlainCodecMessage {}
extension ListGroupsRequest: PlainCodecMessage {}
extension ListGroupsResponse: PlainCodecMessage {}
extension SaslHandshakeRequest: PlainCodecMessage {}
extension SaslHandshakeResponse: PlainCodecMessage {}
extension ApiVersionsRequest: PlainCodecMessage {}
extension ApiVersionsResponse: PlainCodecMessage {}
extension CreateTopicsRequest: PlainCodecMessage {}
extension CreateTopicsResponse: PlainCodecMessage {}
extension DeleteTopicsRequest: PlainCodecMessage {}
extension DeleteTopicsResponse: PlainCodecMessage {}
extension DeleteRecordsRequest: PlainCodecMessage {}
extension DeleteRecordsResponse: PlainCodecMessage {}
extension InitProducerIdRequest: PlainCodecMessage {}
extension InitProducerIdResponse: PlainCodecMessage {}
extension OffsetForLeaderEpochRequest: PlainCodecMessage {}
extension OffsetForLeaderEpochResponse: PlainCodecMessage {}
extension AddPartitionsToTxnRequest: PlainCodecMessage {}
extension AddPartitionsToTxnResponse: PlainCodecMessage {}
extension AddOffsetsToTxnRequest: PlainCodecMessage {}
extension AddOffsetsToTxnResponse: PlainCodecMessage {}
extension EndTxnRequest: PlainCodecMessage {}
extension EndTxnResponse: PlainCodecMessage {}
extension TxnOffsetCommitRequest: PlainCodecMessage {}
extension TxnOffsetCommitResponse: PlainCodecMessage {}
extension DescribeConfigsRequest: PlainCodecMessage {}
extension DescribeConfigsResponse: PlainCodecMessage {}
extension SaslAuthenticateRequest: PlainCodecMessage {}
extension SaslAuthenticateResponse: PlainCodecMessage {}
extension CreatePartitionsRequest: PlainCodecMessage {}
extension CreatePartitionsResponse: PlainCodecMessage {}
extension DescribeClusterRequest: PlainCodecMessage {}
extension DescribeClusterResponse: PlainCodecMessage {}

/// Every message, both directions, by API key. A test compares this with the mirror's own list.
public let codecMessages: [(request: any CodecMessage.Type, response: any CodecMessage.Type)] = [
    (ProduceRequest.self, ProduceResponse.self),
    (FetchRequest.self, FetchResponse.self),
    (ListOffsetsRequest.self, ListOffsetsResponse.self),
    (MetadataRequest.self, MetadataResponse.self),
    (OffsetCommitRequest.self, OffsetCommitResponse.self),
    (OffsetFetchRequest.self, OffsetFetchResponse.self),
    (FindCoordinatorRequest.self, FindCoordinatorResponse.self),
    (JoinGroupRequest.self, JoinGroupResponse.self),
    (HeartbeatRequest.self, HeartbeatResponse.self),
    (LeaveGroupRequest.self, LeaveGroupResponse.self),
    (SyncGroupRequest.self, SyncGroupResponse.self),
    (DescribeGroupsRequest.self, DescribeGroupsResponse.self),
    (ListGroupsRequest.self, ListGroupsResponse.self),
    (SaslHandshakeRequest.self, SaslHandshakeResponse.self),
    (ApiVersionsRequest.self, ApiVersionsResponse.self),
    (CreateTopicsRequest.self, CreateTopicsResponse.self),
    (DeleteTopicsRequest.self, DeleteTopicsResponse.self),
    (DeleteRecordsRequest.self, DeleteRecordsResponse.self),
    (InitProducerIdRequest.self, InitProducerIdResponse.self),
    (OffsetForLeaderEpochRequest.self, OffsetForLeaderEpochResponse.self),
    (AddPartitionsToTxnRequest.self, AddPartitionsToTxnResponse.self),
    (AddOffsetsToTxnRequest.self, AddOffsetsToTxnResponse.self),
    (EndTxnRequest.self, EndTxnResponse.self),
    (TxnOffsetCommitRequest.self, TxnOffsetCommitResponse.self),
    (DescribeConfigsRequest.self, DescribeConfigsResponse.self),
    (SaslAuthenticateRequest.self, SaslAuthenticateResponse.self),
    (CreatePartitionsRequest.self, CreatePartitionsResponse.self),
    (DescribeClusterRequest.self, DescribeClusterResponse.self),
]
