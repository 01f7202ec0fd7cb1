import KafkaCore
import KafkaProducing

/// What producers tell. One that several share is the commands' of sessions, the others belong to
/// the host.
extension GatewayEngine {
    func produced(_ report: DeliveryReport, by producer: ProducerID, _ seat: ClusterSeat) {
        let now = now
        call(seat) { $0.taken(report.bufferBytes, of: producer, now: now, &$1) }
        if let own = owner(of: producer, seat) { return tell(report, of: own) }
        guard let use = seat.producers[producer] else { return }
        take(report, use)
        if seat.isKeptForRecords, use.isIdle { sweep() }
    }

    /// A host's own producer is bounded where the host calls.
    func hasRoom(_ producer: ProducerID, _ seat: ClusterSeat) {
        if let use = seat.producers[producer] { serveWithoutRoom(use) }
    }

    func flushed(_ token: FlushToken, by producer: ProducerID, _ seat: ClusterSeat) {
        guard let own = owner(of: producer, seat) else { return }
        for token in own.flushes.removeValue(forKey: token) ?? [] {
            emit(own, .flushed(token: token, nil))
        }
    }

    func transacted(
        _ outcome: TransactionOutcome, by producer: ProducerID, _ seat: ClusterSeat
    ) {
        if let own = owner(of: producer, seat) { take(outcome, own) }
    }

    func ended(_ producer: ProducerID, _ seat: ClusterSeat) {
        guard let own = owner(of: producer, seat) else { return }
        forget(own)
        sweep()
    }

    private func owner(of producer: ProducerID, _ seat: ClusterSeat) -> DirectProducer? {
        producerOwners[ProducerPlace(seat, producer)]
    }
}

/// A producer among those of all clusters.
struct ProducerPlace: Hashable {
    private let seat: ObjectIdentifier
    private let producer: ProducerID

    init(_ seat: ClusterSeat, _ producer: ProducerID) {
        self.seat = ObjectIdentifier(seat)
        self.producer = producer
    }
}
