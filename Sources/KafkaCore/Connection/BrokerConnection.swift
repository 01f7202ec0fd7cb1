import Bytes
import KafkaProtocol
import SASL
import Timing

/// One connection to one broker, from the first byte to the last: asks for the versions, logs in,
/// then carries requests, as many at once as its role says.
final class BrokerConnection {
    /// What came of received bytes.
    enum Arrival {
        case nothing
        /// Requests may be sent (again).
        case ready
        /// The answer to a request; the reader stands behind the response's header.
        case response(any RequestPurpose, ByteReader, to: Pipeline.Request)
    }

    let id: BrokerConnectionID
    let role: ConnectionRole
    let endpoint: Endpoint
    let context: ClusterContext
    let memory: EndpointMemory
    private unowned(unsafe) let owner: any ConnectionOwner
    var setUp: ConnectionSetUp
    /// The driver is at it.
    var work: LoginWork?
    var pipeline: Pipeline
    var frames: FrameAssembler
    /// TCP, TLS, versions and login must be through by then (KIP-601).
    let setupDeadline: Instant
    /// KIP-219: the broker does not read from us before, so nothing is sent.
    var throttledUntil = Instant.zero
    var lastUsed: Instant
    var hasReceived = false
    /// A request of ours was answered: the listener takes our requests.
    var hasAnswered = false
    /// The log knows that it is open.
    var isTold = false
    /// That answer could be read.
    var hasServed = false
    /// A response of this connection is still being decoded; its memory counts as in flight.
    var isDecoding = false
    /// Sent since the broker has last shown that it reads, where it does not answer what is sent.
    var unansweredBytes = 0
    /// Spread over connections so that they are not all reaped in one instant.
    let idleMilliseconds: Int64
    private static let idleJitterMilliseconds: Int64 = 2_000
    var silence: BrokerSilence

    init(
        id: BrokerConnectionID, role: ConnectionRole, endpoint: Endpoint, memory: EndpointMemory,
        owner: any ConnectionOwner, nonces: NonceSource, spares: SpareBlocks
    ) {
        self.id = id
        self.role = role
        self.endpoint = endpoint
        self.memory = memory
        self.owner = owner
        context = memory.context
        let (settings, limits, now) = (context.settings, context.limits, context.now)
        setUp = ConnectionSetUp(
            endpoint: endpoint, credentials: settings.sasl, nonces: nonces, limits: limits,
            release: settings.release)
        pipeline = Pipeline(depth: role.depth)
        frames = FrameAssembler(frameBytesMax: limits.responseBytesMax, spares: spares)
        setupDeadline = now.adding(milliseconds: settings.connectTimeoutMilliseconds)
        lastUsed = now
        silence = BrokerSilence(limits)
        silence.begin(waitMilliseconds: 0, now: now)
        let jitter = Int64.random(in: 0...Self.idleJitterMilliseconds, using: &context.random)
        idleMilliseconds = settings.connectionIdleMilliseconds + jitter
    }

    /// A request can be sent at once.
    var isFree: Bool {
        state == .ready && pipeline.hasRoom && !isDecoding && throttledUntil <= context.now
            && (reauthenticateAt ?? .distantFuture) > context.now
    }

    var state: ConnectionSetUp.State { setUp.state }
    var versions: ApiVersionTable { setUp.versions }
    var reauthenticateAt: Instant? { setUp.reauthenticateAt }
    var hasSetUp: Bool { setUp.hasSucceeded }

    /// It has served, or could have: its end is not the answer to the set-up.
    var hasBeenIdle: Bool {
        let idleAt = lastUsed.adding(milliseconds: KafkaLimits.firstRetryMilliseconds)
        return hasAnswered || idleAt <= context.now
    }

    /// Takes a whole frame.
    func receive(_ frame: UnsafeRawBufferPointer) throws(KafkaFailure) -> Arrival {
        let now = context.now
        hasReceived = true
        lastUsed = now
        guard let answered = pipeline.first else {
            throw protocolError(ConnectionSetUp.unasked)
        }
        var reader = ByteReader(frame)
        let header: ResponseHeader
        do {
            header = try ResponseHeader.decode(&reader, flexible: answered.hasFlexibleHeader)
        } catch {
            throw malformed(error, apiKey: answered.apiKey)
        }
        guard header.correlationID == answered.correlationID else {
            throw protocolError(
                "correlation id \(header.correlationID) instead of \(answered.correlationID)")
        }
        pipeline.removeFirst()
        // Only now the broker looks at the next one.
        if let next = pipeline.first {
            silence.begin(waitMilliseconds: next.waitMilliseconds, now: now)
        }
        context.counters.requestTimes[answered.apiKey, default: Histogram()].add(
            microseconds: (now.nanoseconds - answered.sentAt.nanoseconds) / 1_000)
        guard let purpose = answered.purpose else {
            return try takeSetUp(&reader, answered)
        }
        hasAnswered = true
        return .response(purpose, reader, to: answered)
    }

    /// Reads an answer, and counts how its request went.
    func decode<R: JudgedResponse>(
        _ type: R.Type, _ reader: inout ByteReader, _ answered: Pipeline.Request
    ) throws(KafkaFailure) -> R {
        do {
            let response = try R.decode(&reader, version: answered.version)
            context.counters.ended(R.apiKey, .answered(response.firstErrorCode))
            return response
        } catch {
            throw unreadable(answered, error)
        }
    }

    /// An answer that nobody can read is lost with the connection, and whoever waits for it has to
    /// be told so.
    func unreadable(_ answered: Pipeline.Request, _ error: BytesError) -> KafkaFailure {
        pipeline.putBack(answered)
        return malformed(error, apiKey: answered.apiKey)
    }

    /// An answer to a request of others was read. `throttle`: for how long the broker wants no
    /// other, in milliseconds; `isOurs`: we have to keep to that (KIP-219), else it has waited
    /// itself before it answered.
    func noteAnswer(throttle milliseconds: Int32, isOurs: Bool) {
        owner.answered(self, isFirst: !hasServed)
        hasServed = true
        if milliseconds > 0 {
            throttle(milliseconds, isOurs: isOurs)
        } else {
            memory.noteNoThrottle(endpoint)
        }
    }

    func throttle(_ milliseconds: Int32, isOurs: Bool) {
        guard milliseconds > 0 else { return }
        let end = memory.noteThrottle(endpoint, milliseconds)
        if isOurs { throttledUntil = max(throttledUntil, end) }
    }

    /// The next moment at which this connection needs a look.
    var deadline: Instant {
        if state == .connecting || state == .works { return setupOrReauthenticationDeadline }
        if let deadline = pipeline.deadline { return deadline }
        if isDecoding { return .distantFuture }
        let next = isThrottled ? min(throttledUntil, idleUntil) : idleUntil
        return min(next, reauthenticateAt ?? .distantFuture)
    }

    /// What is in flight for such a purpose.
    func purposes<Purpose: RequestPurpose>(_ type: Purpose.Type) -> [Purpose] {
        pipeline.requests.compactMap { $0.purpose as? Purpose }
    }

    /// When the broker is late with what it owes us, the next time.
    var lateAt: Instant {
        !pipeline.isEmpty || (!hasSetUp && state != .works) ? silence.lateAt : .distantFuture
    }

    /// Set back by `Links` when the time has come.
    var isThrottled: Bool { throttledUntil > .zero }

    var idleUntil: Instant { lastUsed.adding(milliseconds: idleMilliseconds) }

    private var setupOrReauthenticationDeadline: Instant {
        hasSetUp
            ? lastUsed.adding(milliseconds: context.settings.connectTimeoutMilliseconds)
            : setupDeadline
    }

    func malformed(_ error: BytesError, apiKey: Int16) -> KafkaFailure {
        protocolError(
            "malformed response of API \(apiKey): \(error.reason) at byte \(error.offset)")
    }

    func protocolError(_ text: String) -> KafkaFailure {
        .connection(.closed, "closed", cause: "\(endpoint): \(text)")
    }
}
