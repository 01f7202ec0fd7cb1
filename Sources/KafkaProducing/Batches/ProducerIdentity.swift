/// A producer as brokers know it (KIP-98).
public struct ProducerIdentity: Hashable, Sendable {
    public var id: Int64
    public var epoch: Int16

    public init(id: Int64, epoch: Int16) {
        self.id = id
        self.epoch = epoch
    }

    /// The next epoch, which needs no request; nil: there is none, and a new id is needed.
    var bumped: ProducerIdentity? {
        epoch < .max ? ProducerIdentity(id: id, epoch: epoch + 1) : nil
    }
}

/// Where a batch stands among all of its producer in its partition.
struct SequencePlace: Hashable {
    var identity: ProducerIdentity
    /// Of the first record.
    var base: Int32
}
