/// Offsets that are not in the log.
extension ReadDesk {
    /// A log may move on while a read is begun anew in it; more often than that it is another's
    /// problem.
    private static let resetsMax = 3

    /// The broker does not have the offset of the demand. Whoever stands there learns the log's
    /// range; for whom it is only the end of what is cached, that is not the log's.
    func settleOutOfRange(
        _ demand: Demand, _ partition: Partition, _ told: PartitionPosition
    ) {
        let waiting = take(&demand.readers)
        if waiting.contains(where: { $0.offset != demand.offset }) { partition.log.purge() }
        for reader in waiting {
            if reader.offset == demand.offset {
                cluster.tellRange(reader, partition, told)
            } else {
                reader.offset = reader.request.offset
                attempt(reader, partition)
            }
        }
    }

    /// The range of the log is known now.
    func leaveRange(_ reader: Reader, _ partition: Partition, _ failure: KafkaFailure) {
        if partition.isAbandoned { return resolve(reader) }
        cluster.noteEnd(failure.position.highWatermark, of: partition, sentAt: context.now)
        guard bind(reader, to: partition) else { return }
        let reset = reader.request.reset.offset(for: reader.offset, in: failure.position)
        guard let reset, reader.resets < Self.resetsMax else {
            return fail(reader, failure)
        }
        reader.resets += 1
        reader.offset = reset
        attempt(reader, partition)
    }
}
