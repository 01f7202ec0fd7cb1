import KafkaCore
import PubSubProtocol

extension GatewayEngine {
    func listOffset(
        _ session: Session, _ sequence: Int64, _ list: ListOffsetCommand
    ) {
        let command = begin(
            session, sequence, .listOffset, isOrdered: true, topic: list.topic,
            partition: list.partition)
        guard sees(session, list.topic), let seat = session.service?.seat else {
            return listed(session, command, .failure(Self.hidden))
        }
        let isolation = session.service?.route.policy.isolation ?? .readUncommitted
        let token = RequestToken(raw: nextNumber())
        command.token = .request(token)
        requests[token] = .listOffset(session, command)
        call(seat) {
            $0.listOffset(
                token, topic: list.topic, partition: list.partition, timestamp: list.timestamp,
                isolation: isolation, now: now, &$1)
        }
    }

    func listed(
        _ session: Session, _ command: PendingCommand,
        _ result: Result<ListedOffset, KafkaFailure>
    ) {
        switch result {
        case .success(let listed):
            let timestamp = listed.timestamp < 0 ? nil : listed.timestamp
            complete(
                session, command, nil, .listOffset(offset: listed.offset, timestamp: timestamp))
        case .failure(let failure):
            fail(session, command, failure) {
                ReplyText.listOffsetFailed(
                    topic: command.topic, partition: command.partition, error: $0)
            }
        }
    }
}
