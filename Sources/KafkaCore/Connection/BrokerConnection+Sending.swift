import Bytes
import KafkaProtocol
import Timing

/// Requests on their way out. There has to be room for each (`isFree`).
extension BrokerConnection {
    /// `waitMilliseconds`: how long the request lets the broker hold it.
    func send<R: KafkaRequest>(
        _ request: R, version: Int16, for purpose: (any RequestPurpose)?,
        timeoutMilliseconds: Int64, waitMilliseconds: Int64 = 0
    ) {
        let correlationID = pipeline.nextCorrelationID()
        var writer = ByteWriter(capacity: 256)
        request.encodeFrame(
            &writer, version: version, correlationID: correlationID,
            clientID: context.settings.clientID)
        expect(
            R.self, version, correlationID, for: purpose, timeoutMilliseconds, waitMilliseconds)
        context.emit(.send(id, writer.take()))
    }

    /// The same of a request that carries batches: large ones go out from where they lie, and must
    /// not change before they are sent.
    func send<R: RecordsRequest>(
        _ request: R, batches: [ByteBlock], version: Int16, for purpose: any RequestPurpose,
        timeoutMilliseconds: Int64, waitMilliseconds: Int64 = 0
    ) {
        let correlationID = pipeline.nextCorrelationID()
        var blocks: [ByteBlock] = []
        request.encodeFrame(
            into: &blocks, batches: batches, version: version, correlationID: correlationID,
            clientID: context.settings.clientID)
        expect(
            R.self, version, correlationID, for: purpose, timeoutMilliseconds, waitMilliseconds)
        for block in blocks { context.emit(.send(id, block)) }
    }

    /// The same of one that the broker does not answer. It counts as one that went well.
    func sendUnanswered<R: RecordsRequest>(_ request: R, batches: [ByteBlock], version: Int16) {
        var blocks: [ByteBlock] = []
        request.encodeFrame(
            into: &blocks, batches: batches, version: version,
            correlationID: pipeline.nextCorrelationID(), clientID: context.settings.clientID)
        lastUsed = context.now
        context.counters.requests[R.apiKey, default: 0] += 1
        context.counters.ended(R.apiKey, .answered(0))
        for block in blocks { context.emit(.send(id, block)) }
    }

    private func expect<R: RequestMessage>(
        _ type: R.Type, _ version: Int16, _ correlationID: Int32,
        for purpose: (any RequestPurpose)?, _ timeoutMilliseconds: Int64,
        _ waitMilliseconds: Int64
    ) {
        let now = context.now
        let isNext = pipeline.isEmpty
        pipeline.append(
            Pipeline.Request(
                apiKey: R.apiKey, version: version, correlationID: correlationID,
                hasFlexibleHeader: R.Response.hasFlexibleHeader(version: version),
                purpose: purpose, sentAt: now,
                deadline: now.adding(milliseconds: timeoutMilliseconds),
                waitMilliseconds: waitMilliseconds))
        lastUsed = now
        if isNext { silence.begin(waitMilliseconds: waitMilliseconds, now: now) }
        context.counters.requests[R.apiKey, default: 0] += 1
    }
}
