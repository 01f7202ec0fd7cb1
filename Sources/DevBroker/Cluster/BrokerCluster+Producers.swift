/// What tests change about producers.
extension BrokerCluster {
    /// Lets a partition forget its idempotent producers; false without such a partition.
    @discardableResult
    public func forgetProducers(_ topic: String, _ partition: Int32 = 0) -> Bool {
        guard let partition = topics[topic]?.partition(partition) else { return false }
        partition.producers.forget()
        return true
    }

    /// From now on the coordinators take so long to write the markers of a transaction, and answer
    /// CONCURRENT_TRANSACTIONS meanwhile.
    public func delayMarkers(milliseconds: Int64) { markerMilliseconds = max(0, milliseconds) }

    /// Changes the level of the feature `transaction.version`; false where the release has none
    /// such.
    @discardableResult
    public func setTransactionVersion(_ level: Int16) -> Bool {
        guard (0...settings.profile.transactionVersion).contains(level),
            settings.profile.transactionVersion > 0
        else { return false }
        transactionVersion = level
        featuresEpoch += 1
        return true
    }

    /// Bytes of Produce requests a second that a client id may send; nil: any number.
    public func setProduceQuota(bytesPerSecond: Double?) {
        quotas.set(.produce, perSecond: bytesPerSecond)
    }

    /// Requests a second of a client id; nil: any number.
    public func setRequestQuota(perSecond: Double?) {
        quotas.set(.request, perSecond: perSecond)
    }
}
