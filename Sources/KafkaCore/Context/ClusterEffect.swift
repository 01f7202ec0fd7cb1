import Bytes
import KafkaProducing
import SASL

/// Severity of what a cluster tells its host.
public enum LogLevel: Int, Comparable, Sendable {
    case debug, info, warning, error

    public static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// What a login cannot do on its loop: up to a million rounds of HMAC, a file to read, a question
/// to the host or to a KDC.
public typealias LoginWork = SASL.LoginWork

/// What the driver of a cluster has to do, in order. No effect of a connection follows its `close`.
public enum ClusterEffect {
    /// Resolve, connect (trying every address, KIP-302), shake hands; then `opened` or `closed`.
    indirect case connect(BrokerConnectionID, Endpoint, TLSSettings?)
    /// The next bytes of a connection: a request's whole frame, or a piece of one that carries
    /// record batches.
    case send(BrokerConnectionID, ByteBlock)
    /// Close without a further event.
    case close(BrokerConnectionID)
    /// Answer with `worked`, unless the connection is closed before.
    indirect case work(BrokerConnectionID, LoginWork)
    case readFinished(ReadToken, ReadOutcome)
    /// Records for a follower, which has paid for them and stands behind them. It stays at the end
    /// of its partition, if that is where it is; else it rests (`isResting`) until it is to go on.
    case followerTold(FollowerTag, FollowedRecords)
    /// There was nothing for a follower to see up to where it stands now; it rests likewise.
    case followerPassed(FollowerTag, PartitionPosition)
    /// Nothing comes of a follower for now, told again for another reason. It goes on by itself;
    /// once an answer has come `followerResumed` says so, if nothing else does.
    case followerStalled(FollowerTag, KafkaFailure)
    case followerResumed(FollowerTag)
    /// It is over.
    case followerFailed(FollowerTag, KafkaFailure)
    case offsetFinished(RequestToken, Result<ListedOffset, KafkaFailure>)
    case metadataFinished(RequestToken, Result<[TopicDescription], KafkaFailure>)
    /// What became of the records of one batch; several may have sent them.
    case produced(ProducerID, DeliveryReport)
    /// After `Acceptance.full`: there is room again.
    case producerHasRoom(ProducerID)
    /// Everything that was accepted before the flush is reported of.
    case producerFlushed(ProducerID, FlushToken)
    case producerTransaction(ProducerID, TransactionOutcome)
    /// Of `endProducer`: everything was reported of, and nothing more comes.
    case producerEnded(ProducerID)
    case log(LogLevel, String)
}
