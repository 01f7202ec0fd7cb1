/// What is told of the ends of a log beside its records.
extension ReadDesk {
    func position(_ reader: Reader, _ partition: PartitionReads) -> PartitionPosition {
        position(of: partition, reader.request.isolation, isFresh: reader.isFresh)
    }

    /// Or what a response has told a moment ago. `isFresh`: to a request that is younger than the
    /// read.
    func position(
        of partition: PartitionReads, _ isolation: Isolation, isFresh: Bool
    ) -> PartitionPosition {
        guard let leader = partition.source?.broker, !leader.isLate else { return .unknown }
        if partition.follow(isolation)?.isCurrent == true { return partition.told(isolation) }
        guard isFresh, let confirmedAt = partition.confirmedAt else { return .unknown }
        let until = confirmedAt.adding(milliseconds: context.limits.cacheTrustMilliseconds)
        return until >= context.now ? partition.position : .unknown
    }
}
