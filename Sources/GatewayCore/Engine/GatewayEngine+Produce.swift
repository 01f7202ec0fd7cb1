import KafkaCore
import KafkaProducing
import PubSubProtocol
import Timing

/// CmdProduce: rights and limits, the way to the producer, and the answer.
extension GatewayEngine {
    func produce(
        _ session: Session, _ request: PubSubRequest, _ produce: ProduceCommand,
        _ payload: UnsafeRawBufferPointer
    ) {
        spent &+= produce.records.count &* Work.record
        guard let policy = session.service?.route.policy.produce, let seat = session.service?.seat
        else { return refuse(session, request, .unavailable, "the route has no Kafka") }
        if let refusal = refusal(of: produce.acks, policy) {
            return refuse(session, request, .notAllowed, refusal)
        }
        let id = idKey(session, request, produce, payload)
        if let id, answerAgain(session, request, produce, id) { return }
        guard hasPace(session, request, produce) else { return }
        let use = use(of: settings(produce.acks, policy), seat)
        let pending = begin(session, request.sequence, .produce, isOrdered: false)
        let command = producing.begin(
            account(of: session), use, rules(session, policy),
            .init(session: session.id.raw, command: pending.number), id: id,
            count: produce.records.count)
        account(session)
        handIn(command, .init(request: request, message: payload, format: session.format), session)
    }

    private func refuse(
        _ session: Session, _ request: PubSubRequest, _ fault: GatewayFault, _ text: String
    ) {
        answer(session, request.sequence, .produce, fault, isOrdered: false, error: text)
    }

    // MARK: Rights

    private func refusal(of acks: AcksChoice, _ policy: ProducePolicy) -> String? {
        let asked: Acknowledgement? =
            switch acks {
            case .default: nil
            case .leader: .leader
            case .all: .all
            }
        guard let asked, asked != policy.settings.acks else { return nil }
        if !policy.clientAcks { return "other acks than the route's are not allowed here" }
        return policy.settings.isIdempotent
            ? "the route's producer is idempotent, which needs acks of all" : nil
    }

    private func settings(_ acks: AcksChoice, _ policy: ProducePolicy) -> ProducerSettings {
        var settings = policy.settings
        switch acks {
        case .default: break
        case .leader: settings.acks = .leader
        case .all: settings.acks = .all
        }
        return settings
    }

    private func rules(_ session: Session, _ policy: ProducePolicy) -> ProduceRules {
        let access = session.access
        return ProduceRules(
            allows: { access?.produces(to: $0) == true },
            mayChoosePartition: policy.clientPartition,
            mayBringTimestamp: policy.clientTimestamp,
            headers: access?.headers ?? AddedHeaders([], principal: nil, trace: nil),
            recordBytesMax: session.limits.recordBytes,
            topicsMax: access?.requestLimits.topicsMax ?? RequestLimits().topicsMax)
    }

    private func hasPace(
        _ session: Session, _ request: PubSubRequest, _ produce: ProduceCommand
    ) -> Bool {
        let paces = account(of: session).paces
        let limit: (name: String, max: Int)
        if paces.bytes?.isEmpty(now) == true {
            limit = ("produce_bytes_per_second", session.limits.produceBytesPerSecond)
        } else if paces.records?.isEmpty(now) == true {
            limit = ("produce_records_per_second", session.limits.produceRecordsPerSecond)
        } else {
            paces.bytes?.take(produce.records.reduce(0) { $0 + $1.byteCount }, now)
            paces.records?.take(produce.records.count, now)
            return true
        }
        counts.limitHits[limit.name, default: 0] += 1
        answer(
            session, request.sequence, .produce, .limit, isOrdered: false,
            error: "limits.\(limit.name): at most \(limit.max)", retriable: true)
        return false
    }

    private func account(of session: Session) -> ProducingSession {
        if let present = session.producing { return present }
        let account = ProducingSession(paces(of: session))
        session.producing = account
        return account
    }

    /// Each POST is a session, but not somebody else for that.
    private func paces(of session: Session) -> ProducePaces {
        let limits = session.limits
        func make() -> ProducePaces {
            ProducePaces(
                bytesPerSecond: limits.produceBytesPerSecond,
                recordsPerSecond: limits.produceRecordsPerSecond)
        }
        guard session.post != nil, let service = session.service else { return make() }
        let sender = session.access?.principal ?? session.remoteAddress ?? ""
        return service.postPaces(of: sender, now, make)
    }

    private func use(of settings: ProducerSettings, _ seat: ClusterSeat) -> ProducerUse {
        let producer = seat.cluster.producer(settings, now: now)
        if let present = seat.producers[producer] { return present }
        for (id, use) in seat.producers where use.isIdle { seat.producers[id] = nil }
        let use = ProducerUse(seat.cluster, producer, bufferBytes: settings.bufferBytes)
        seat.producers[producer] = use
        return use
    }

    // MARK: Repetition

    private func idKey(
        _ session: Session, _ request: PubSubRequest, _ produce: ProduceCommand,
        _ payload: UnsafeRawBufferPointer
    ) -> ProduceIDs.Key? {
        guard !produce.id.isEmpty, let route = session.service?.route, window(of: route).isOpen,
            let principal = session.access?.principal
        else { return nil }
        let id = request.withRecordBytes(of: payload, in: session.format) {
            [UInt8]($0.value(produce.id))
        }
        return ProduceIDs.Key(route: route.id, principal: principal, id: id)
    }

    private func window(of route: Route) -> ProduceIDs.Window {
        let policy = route.policy.produce
        return .init(milliseconds: policy.idWindowMilliseconds, count: policy.idWindowCount)
    }

    /// Whether the command is the one that had this id before.
    private func answerAgain(
        _ session: Session, _ request: PubSubRequest, _ produce: ProduceCommand,
        _ id: ProduceIDs.Key
    ) -> Bool {
        let count: Int
        switch producing.ids.find(id, now) {
        case nil: return false
        case .answered(let reply):
            count = reply.results.count
            guard count == produce.records.count else { break }
            producing.noteRepeated()
            answer(
                session, request.sequence, .produce, nil, isOrdered: false, .produced(reply))
            return true
        case .open(let command):
            count = command.recordCount
            guard count == produce.records.count else { break }
            producing.noteRepeated()
            let pending = begin(session, request.sequence, .produce, isOrdered: false)
            command.waiters.append(.init(session: session.id.raw, command: pending.number))
            return true
        }
        refuse(
            session, request, .malformed,
            "cmd_produce.id: a command with this id had \(count) records, this one has"
                + " \(produce.records.count)")
        return true
    }

    // MARK: Records

    /// Hands in what finds room; what does not is kept, and its session is not read meanwhile.
    /// - Parameter session: nil: it is over, or the command has waited.
    private func handIn(
        _ command: ProduceInProgress, _ lent: LentRecords, _ session: Session?,
        isResumed: Bool = false, isBehind: Bool = false
    ) {
        let before = command.bytes
        if command.session.waitsForRoom, !isResumed, !isBehind {
            command.keep(lent.kept())
            command.session.behind.append(command)
            return charged(command, command.bytes - before)
        }
        var outcome = ProduceInProgress.HandedIn()
        let milliseconds = epochMilliseconds &+ now.milliseconds(since: .zero)
        let isOpen = call(command.use) { cluster, effects in
            cluster.produce(command.use.producer, now: now, &effects) { sink in
                outcome = lent.withBytes { bytes in
                    command.handIn(
                        lent.records, bytes, to: sink, at: milliseconds, isResumed: isResumed,
                        producing)
                }
            }
        }
        if !isOpen { command.refuseRest(ProduceFailure(.closed, "the producer has ended")) }
        if let session { for topic in outcome.hidden { noteHidden(session, topic) } }
        if let place = outcome.place {
            if command.rest == nil { command.keep(lent.kept()) }
            if isResumed {
                command.use.waitOn(command, for: place)
            } else {
                command.use.wait(command, for: place)
            }
        } else {
            command.letGoOfRest()
        }
        charged(command, command.bytes - before)
        if command.isDone { answer(command) }
    }

    /// A session's own account follows with its next reply; those of the others are the loop's.
    private func charged(_ command: ProduceInProgress, _ bytes: Int) {
        if command.session.isOrphaned {
            memory.heldBytes += bytes
        } else if let waiter = command.waiters.first,
            let session = sessions[SessionID(raw: waiter.session)]
        {
            account(session)
        }
    }

    private func noteHidden(_ session: Session, _ topic: String) {
        counts.refusedTopics &+= 1
        spent &+= Work.logLine
        log(
            firstMistake(of: session) ? .info : .debug, session,
            "producing to the topic \(Self.quoted(topic)) is not allowed")
    }

    @discardableResult
    private func call(
        _ use: ProducerUse, _ body: (Cluster, inout [ClusterEffect]) -> Bool
    ) -> Bool {
        guard let seat = seats.first(where: { $0.cluster === use.cluster }) else { return false }
        var isDone = false
        call(seat) { isDone = body($0, &$1) }
        return isDone
    }

    // MARK: Reports

    func take(_ report: DeliveryReport, _ use: ProducerUse) {
        spent &+= report.tokens.count &* Work.report
        for command in producing.take(report, use) { answer(command) }
        while let command = use.takeWaiting(of: report.topic), resume(command) {}
        serveWithoutRoom(use)
    }

    func serveWithoutRoom(_ use: ProducerUse) {
        while let command = use.takeWithoutRoom(), resume(command) {}
    }

    /// False: it has to wait again.
    private func resume(_ command: ProduceInProgress) -> Bool {
        guard let rest = command.rest else { return true }
        spent &+= Work.command
        handIn(command, rest.lent, nil, isResumed: true)
        guard command.rest == nil else { return false }
        resumeBehind(command.session)
        if let waiter = command.waiters.first,
            let session = sessions[SessionID(raw: waiter.session)]
        {
            resumeReading(session)
        }
        return true
    }

    private func resumeBehind(_ session: ProducingSession) {
        while let next = session.behind.removeFirst(), let rest = next.rest {
            handIn(next, rest.lent, nil, isBehind: true)
            if next.rest != nil { return }
        }
    }

    // MARK: Answers

    private func answer(_ command: ProduceInProgress) {
        producing.end(command)
        if command.session.isOrphaned { memory.heldBytes -= command.bytes }
        let (reply, fault) = reply(to: command)
        if let id = command.id {
            // What nobody has stored may be asked for again.
            let isKept = command.acknowledged > 0 || command.isUncertain
            let route = table.route(id: id.route)
            let window = route.map(window(of:)) ?? .init(milliseconds: 0, count: 0)
            let before = producing.ids.bytes
            producing.ids.end(id, isKept && window.isOpen ? reply : nil, window, now)
            memory.heldBytes += producing.ids.bytes - before
        }
        for waiter in command.waiters {
            guard let session = sessions[SessionID(raw: waiter.session)],
                let pending = session.desk?.free[waiter.command]
            else { continue }
            complete(session, pending, fault, .produced(reply))
            account(session)
            if session.producing?.closesWhenDone == true { closeDrained(session) }
        }
        tellDrained()
    }

    private func reply(to command: ProduceInProgress) -> (ProduceReply, GatewayFault?) {
        let errors = command.troubles.map { trouble in
            let fault = GatewayFault(trouble)
            return ErrorReply(
                fault.replyCode ?? .internalError, fault.words(trouble),
                retriable: trouble.isRetriable, cause: fault.cause)
        }
        let reply = ProduceReply(
            results: command.results, errors: errors, compared: command.id != nil)
        return (reply, command.troubles.first.map(GatewayFault.init))
    }

    // MARK: Reading

    /// Beyond its limit, and while its records wait for room, a session is not read.
    func mustPauseProducing(_ session: Session) -> Bool {
        guard !session.hasLeft, let producing = session.producing else { return false }
        return producing.waitsForRoom || producing.closesWhenDone
            || producing.bytes >= session.limits.produceBytesInFlight
    }

    func mayResumeProducing(_ session: Session) -> Bool {
        guard !session.hasLeft, let producing = session.producing else { return true }
        return !producing.waitsForRoom && !producing.closesWhenDone
            && producing.bytes <= session.limits.produceBytesInFlight / 2
    }

    // MARK: Ends

    /// A session is over; its records are still sent.
    func orphan(_ session: Session) {
        guard let account = session.producing, account.commandCount > 0 else { return }
        account.isOrphaned = true
        memory.heldBytes += account.bytes
    }

    /// A drain closes a session when it knows what became of its records. Until then nothing more
    /// is read of it.
    func closeForDrain(_ session: Session) {
        guard session.phase == .open, awaitsRecords(session) else {
            return close(session, with: drainCode, drainReason)
        }
        session.drainsAt = .distantFuture
        account(of: session).closesWhenDone = true
        guard !session.isReadingPaused else { return }
        if !session.isHeld { effects.append(.pauseReading(session.id)) }
        session.isReadingPaused = true
    }

    /// It is to be told what became of records, its own or those of another with the same id.
    private func awaitsRecords(_ session: Session) -> Bool {
        session.desk?.free.values.contains { $0.kind == .produce } ?? false
    }

    private func closeDrained(_ session: Session) {
        guard !awaitsRecords(session) else { return }
        session.producing?.closesWhenDone = false
        close(session, with: drainCode, drainReason)
    }

    /// The loop has neither sessions nor records of theirs.
    func tellDrained() {
        guard isDraining, !hasToldDrained, sessions.isEmpty, producing.openCount == 0 else {
            return
        }
        hasToldDrained = true
        effects.append(.event(.drained))
    }

    /// In front of `shutDown`: records that nobody has acknowledged are given up, and their senders
    /// told so, as far as their sockets take it.
    public func cutProducing(now: Instant) {
        self.now = now
        guard producing.openCount > 0 else { return }
        for seat in seats where !seat.producers.isEmpty {
            call(seat) { $0.endProducers(now: now, &$1) }
            for use in seat.producers.values.sorted(by: { $0.producer.raw < $1.producer.raw }) {
                for command in use.takeAllWaiting() { _ = resume(command) }
            }
        }
    }
}
