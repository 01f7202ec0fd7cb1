import KafkaCore
import PubSubProtocol
import Timing

extension GatewayEngine {
    func fetch(_ session: Session, _ request: PubSubRequest, _ fetch: FetchCommand) {
        guard sees(session, fetch.topic), let service = session.service, let seat = service.seat
        else {
            return fetched(session, begin(session, request, fetch), .failed(Self.hidden))
        }
        let read = readRequest(fetch, service.route)
        if mayAnswer(session, request), let slice = seat.cluster.cached(read, now: now) {
            tally.add(.fetch, nil, microseconds: 0)
            return sendRecords(session, BatchHead(sequence: request.sequence, slice), slice)
        }
        let command = begin(session, request, fetch)
        spent &+= Work.read
        let token = ReadToken(raw: nextNumber())
        command.token = .read(token)
        reads[token] = .fetch(session, command)
        call(seat) { $0.read(token, read, now: now, &$1) }
    }

    /// Whether no reply has to go out before this one.
    private func mayAnswer(_ session: Session, _ request: PubSubRequest) -> Bool {
        session.desk?.queue.isEmpty ?? true || request.usesExtensions
    }

    private func begin(
        _ session: Session, _ request: PubSubRequest, _ fetch: FetchCommand
    ) -> PendingCommand {
        begin(
            session, request.sequence, .fetch, isOrdered: !request.usesExtensions,
            topic: fetch.topic, partition: fetch.partition)
    }

    private func readRequest(_ fetch: FetchCommand, _ route: Route) -> ReadRequest {
        // Field by field: the policy has many, which would all be retained.
        let asked = fetch.maxBytes > 0 ? Int(fetch.maxBytes) : route.policy.fetch.defaultBytes
        let maxBytes = min(asked, route.policy.fetch.maxBytes)
        let minBytes = fetch.minBytes > 0 ? Int(fetch.minBytes) : route.policy.fetch.minBytes
        let wait = Int64(fetch.maxWaitMilliseconds)
        var read = ReadRequest(
            topic: fetch.topic, partition: fetch.partition, offset: fetch.offset,
            maxBytes: maxBytes, minBytes: min(minBytes, maxBytes),
            isolation: Self.isolation(fetch.isolation, route.policy.isolation),
            waitUntil: wait > 0 ? now.adding(milliseconds: wait) : nil)
        read.reset = route.policy.fetch.reset == .nearest ? .nearest : .none
        if !fetch.usesExtensions { adapt(&read) }
        return read
    }

    /// A client of the original asks for "the latest offset - 10" of a short log, stops for ever at
    /// an error, and learns where it is from the offsets of records only.
    private func adapt(_ read: inout ReadRequest) {
        read.waitsOutTrouble = true
        if read.reset == .nearest { read.reset = .nearestRecord }
        guard read.offset < 0 else { return }
        read.offset = 0
        if read.reset == .none { read.reset = .start }
    }

    static func isolation(
        _ asked: IsolationChoice, _ preset: Isolation
    ) -> Isolation {
        switch asked {
        case .default: preset
        case .readUncommitted: .readUncommitted
        case .readCommitted: .readCommitted
        }
    }

    func fetched(_ session: Session, _ command: PendingCommand, _ outcome: ReadOutcome) {
        command.token = .none
        switch outcome {
        case .records(let slice): complete(session, command, slice)
        case .empty(let position, let nextOffset):
            writeEmptyBatch(
                session.format,
                BatchHead(
                    sequence: command.sequence, kind: .fetch, nextOffset: nextOffset,
                    highWatermark: position.highWatermark,
                    logStartOffset: position.logStartOffset,
                    lastStableOffset: position.lastStableOffset))
            completePlain(session, command, nil)
        case .failed(let failure):
            fail(session, command, failure) {
                ReplyText.fetchFailed(
                    topic: command.topic, partition: command.partition, error: $0)
            }
        }
    }
}
