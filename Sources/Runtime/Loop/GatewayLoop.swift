import EventLoop
import GatewayCore
import KafkaCore
import SASL
import TLS
import Timing

/// The driver of one loop: it performs what the engine asks for on sockets and threads, and tells
/// the engine what happened. Only the loop's thread touches it, or one that it is lent to
/// (GatewayLoop+Lent.swift).
final class GatewayLoop {
    let index: Int
    let loop: EventLoop
    let gateway: Gateway
    let engine: GatewayEngine
    let helpers: HelperThreads
    let limits: DriverLimits

    var clients: [SessionID: ClientPort] = [:]
    /// The host's side of the sessions.
    var hosted: [SessionID: HostSession] = [:]
    /// Sessions with output, in the order of their asking; they are written at the end of the turn.
    var dirtyClients: [ClientPort] = []
    /// Some of them had to wait for this turn.
    var areWritesLate = false
    /// Pipes that have more input than one turn takes.
    var readyPorts: [PipePort] = []
    /// Sessions that are over but for the last bytes that the host has yet to send.
    var finishing: [SessionID: HostSession] = [:]
    let bell: Doorbell
    /// Memory of the answer to the bell.
    var callers: [UInt64] = []
    var brokers: [BrokerConnectionID: BrokerSocket] = [:]
    var dirtyBrokers: [BrokerSocket] = []
    let exchanges = GSSAPIExchanges()
    var tlsContexts: [TLSSettings: TLSContext] = [:]
    var lingering: [ObjectIdentifier: LingeringSocket] = [:]
    /// Those whose descriptor the host gets back.
    var lingeringLent: [SessionID: LingeringSocket] = [:]
    var listeners: [ListenerEntry] = []
    /// No descriptor was left for a client.
    var exhaustion = Trouble()
    var wakeListeners: [WakeListener] = []
    var drain = LoopDrain()
    /// Who takes the host's commands.
    var receivers: [UInt64: CommandReceiver] = [:]
    let openCommands: OpenCommands
    /// Kafka clients of the host's on this loop.
    var directs: [DirectClientID: DirectOutlet] = [:]
    /// Producers of the host's on this loop.
    var producers: [DirectProducerID: KafkaProducer] = [:]
    /// What the host has answered on this thread.
    var answers: [PendingAnswer] = []
    /// What every recv of the loop goes into.
    let inbox: UnsafeMutableRawBufferPointer

    /// At work on a thread of the host's.
    var isLent = false
    private var performing: [GatewayEffect] = []
    /// When the wall clock is read next.
    private var clockIsReadAt = Instant.zero

    init(
        index: Int, _ loop: EventLoop, gateway: Gateway, helpers: HelperThreads,
        openCommands: OpenCommands, bell: Doorbell
    ) {
        self.bell = bell
        self.index = index
        self.loop = loop
        self.gateway = gateway
        self.helpers = helpers
        self.openCommands = openCommands
        limits = gateway.settings.limits
        engine = GatewayEngine(
            settings: gateway.settings.gateway, census: gateway.census, loop: index,
            seed: UInt64.random(in: .min ... .max), nonces: .secure)
        inbox = .allocate(byteCount: limits.receiveBytes, alignment: 64)
        readWallClock()
        loop.deadline = { [unowned self] in deadline }
        loop.afterTurn = { [unowned self] in endTurn() }
        loop.isTurnOver = { [unowned self] in engine.isTurnOver }
    }

    deinit { inbox.deallocate() }

    /// A moment that has passed: there is work left.
    private var deadline: Instant? {
        let isBusy =
            engine.hasWork || !dirtyClients.isEmpty || !dirtyBrokers.isEmpty || !readyPorts.isEmpty
            || !engine.effects.isEmpty
        return isBusy ? .zero : engine.nextDeadline
    }

    /// Timers, requests and decoding, and then one write for each connection that has something
    /// to say: what a turn collected leaves together.
    private func endTurn() {
        if loop.now >= clockIsReadAt { readWallClock() }
        // What was lent may have left some.
        perform()
        attendReadyPorts()
        if let due = engine.nextDeadline, due <= loop.now {
            engine.tick(now: loop.now)
            perform()
        }
        if engine.hasWork {
            engine.work(now: loop.now)
            perform()
        }
        if !answers.isEmpty { perform() }
        flushBrokers()
        let isPressed = engine.isTurnOver
        engine.beginWriting()
        flushClients(isPressed: isPressed)
        engine.beginTurn()
    }

    /// Once a second at most: the time of day is set now and then.
    private func readWallClock() {
        clockIsReadAt = loop.now.adding(milliseconds: 1_000)
        engine.epochMilliseconds = WallClock.milliseconds() - loop.now.milliseconds(since: .zero)
    }

    /// Performs what the last call of the engine has asked for.
    func perform() {
        if isLent { return performLight() }
        while !engine.effects.isEmpty || !answers.isEmpty {
            if engine.effects.isEmpty { giveAnswers() }
            swap(&performing, &engine.effects)
            // By index: an iterator would hold the array, and emptying it would copy it.
            for index in performing.indices { perform(performing[index]) }
            performing.removeAll(keepingCapacity: true)
        }
    }

    private func perform(_ effect: GatewayEffect) {
        switch effect {
        case .wantsWrite(let id): markDirty(id)
        case .pauseReading(let id): clients[id]?.isPaused = true
        case .resumeReading(let id): clients[id]?.isPaused = false
        case .closeSocket(let id, let linger): closeClient(id, linger: linger)
        case .event(let event): tell(event)
        case .direct(let event): deliver(event)
        case .producer(let event): deliver(event)
        case .commandOver(let token): _ = openCommands.claim(token)
        case .log(let level, let text): log(level, text)
        case .brokerConnect(let id, let endpoint, let settings): connect(id, endpoint, settings)
        case .brokerSend(let id, let block): send(id, block)
        case .brokerClose(let id): closeBroker(id)
        case .brokerWork(let id, let work): self.work(id, work)
        }
    }

    private func tell(_ event: GatewayCore.HostEvent) {
        switch event {
        case .opened(let opened): tellOpened(opened)
        case .closed(let closed): tellClosed(closed)
        case .drained: drain.isEngineDrained = true
        case .command(let call): deliver(call)
        }
        checkDrained()
    }

    func log(_ level: KafkaCore.LogLevel, _ text: String) {
        gateway.log(HostLogLevel(level), text)
    }

    func setRoutes(_ table: RouteTable, closing: Set<String>) {
        engine.setRoutes(table, closing: closing, now: loop.now)
        perform()
    }
}
