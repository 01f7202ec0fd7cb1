import KafkaCore
import PubSubProtocol

/// A topic that is followed with all its partitions, those to come too.
final class WholeTopic {
    enum State {
        /// Its partitions are not known yet; why, if a look-up has failed.
        case unknown(KafkaFailure?)
        /// What it has more of later came into being later.
        case known
        /// Given up and told so: only a new subscribe brings it back.
        case dropped
    }

    let topic: String
    let start: PubSubProtocol.Subscription.Start
    var state = State.unknown(nil)

    init(_ topic: String, _ start: PubSubProtocol.Subscription.Start) {
        self.topic = topic
        self.start = start
    }

    var isDropped: Bool { if case .dropped = state { true } else { false } }
    var isUnknown: Bool { if case .unknown = state { true } else { false } }

    /// Of one that is known its partitions decide.
    var isWithoutHope: Bool {
        if case .unknown(nil) = state { false } else { true }
    }

    /// From where a partition is read that metadata tells for the first time. What came into being
    /// later is read from its beginning: nothing of it was missed.
    var startOfNew: PubSubProtocol.Subscription.Start { isUnknown ? start : .earliest }
}
