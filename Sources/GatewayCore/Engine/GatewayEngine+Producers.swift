import KafkaCore
import KafkaProducing

/// What producers tell. One that several share is the commands' of sessions, the others belong to
/// the host.
extension GatewayEngine {
    func produced(_ report: DeliveryReport, by producer: ProducerID, _ seat: ClusterSeat) {
        let now = now
        call(seat) { $0.taken(report.bufferBytes, of: producer, now: now, &$1) }
    }

    func hasRoom(_ producer: ProducerID, _ seat: ClusterSeat) {}
    func flushed(_ token: FlushToken, by producer: ProducerID, _ seat: ClusterSeat) {}
    func transacted(
        _ outcome: TransactionOutcome, by producer: ProducerID, _ seat: ClusterSeat
    ) {}
}
