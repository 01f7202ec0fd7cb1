import KafkaProtocol
import Timing

/// Offsets that are not in the log.
extension ReadDesk {
    /// A log may move on while a read is begun anew in it; more often than that it is another's
    /// problem.
    private static let resetsMax = 3

    /// The broker does not have the offset of the demand. Whoever stands there learns the log's
    /// range; for whom it is only the end of what is cached, that is not the log's.
    func settleOutOfRange(
        _ demand: Demand, _ partition: PartitionReads, _ told: PartitionPosition
    ) {
        let waiting = take(&demand.readers)
        if waiting.contains(where: { $0.offset != demand.offset }) { partition.log.purge() }
        for reader in waiting {
            if reader.offset == demand.offset {
                tellRange(reader, partition, told)
            } else {
                reader.offset = reader.request.offset
                attempt(reader, partition)
            }
        }
    }

    /// The range of the log is known now.
    func leaveRange(_ reader: Reader, _ partition: PartitionReads, _ failure: KafkaFailure) {
        if partition.isAbandoned { return resolve(reader) }
        judge.noteEnd(failure.position.highWatermark, of: partition, sentAt: context.now)
        guard bind(reader, to: partition) else { return }
        let reset = reader.request.reset.offset(for: reader.offset, in: failure.position)
        guard let reset, reader.resets < Self.resetsMax else {
            return fail(reader, failure)
        }
        reader.resets += 1
        reader.offset = reset
        attempt(reader, partition)
    }

    /// The offset is out of range: the client is told which offsets are not, so that it can decide.
    /// Brokers don't tell with the error; where this one did not, we ask.
    func tellRange(
        _ reader: Reader, _ partition: PartitionReads, _ told: PartitionPosition = .unknown
    ) {
        guard told.highWatermark < 0 || told.logStartOffset < 0 else {
            return leaveRange(reader, partition, outOfRange(reader, told))
        }
        var position = told
        ask(reader, timestamp: -2) { [unowned self] start in
            position.logStartOffset = start
            ask(reader, timestamp: -1) { [unowned self] end in
                position.highWatermark = end
                guard isWaiting(reader) else { return }
                leaveRange(reader, partition, outOfRange(reader, position))
            }
        }
    }

    private func ask(_ reader: Reader, timestamp: Int64, _ then: @escaping (Int64) -> Void) {
        let limit = context.now.adding(milliseconds: context.settings.requestTimeoutMilliseconds)
        router.lookUp(
            reader.request.topic, reader.request.partition, timestamp: timestamp,
            deadline: min(reader.deadline, limit), then)
    }

    private func outOfRange(_ reader: Reader, _ position: PartitionPosition) -> KafkaFailure {
        let request = reader.request
        return .kafka(
            KafkaError.offsetOutOfRange.rawValue,
            cause: "\(request.topic)-\(request.partition) at offset \(reader.offset)",
            position: position)
    }
}
