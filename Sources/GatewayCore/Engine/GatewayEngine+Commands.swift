import Bytes
import KafkaCore
import PubSubProtocol
import Timing

/// What a CmdMetadata asked for.
struct MetadataQuery {
    /// In the order of the command; nil: all.
    var topics: [String]?
}

extension GatewayEngine {
    func perform(
        _ session: Session, _ request: PubSubRequest, _ payload: UnsafeRawBufferPointer
    ) {
        let sequence = request.sequence
        switch request.command {
        case .ping(let state):
            guard allowed(session, .ping, .ping, request) else { return }
            request.withBytes(state, of: payload, in: session.format) { bytes in
                answer(session, sequence, .ping, nil, isOrdered: true, .pong(state: bytes))
            }
        case .none:
            answer(
                session, sequence, .malformed, .malformed, isOrdered: true,
                .error(ErrorReply(.malformed, "the request holds no command")))
        case .empty:
            guard allowed(session, .empty, .empty, request) else { return }
            unknown(session, sequence, .empty, isOrdered: true)
        case .unknown(let field, let place):
            guard let command = hostCommands(of: session).byRequestField[field] else {
                return unknown(session, sequence, .unknown, isOrdered: true)
            }
            perform(
                session, sequence, command, UnsafeRawBufferPointer(rebasing: payload[place]))
        case .fetch(let fetch):
            if allowed(session, .fetch, .fetch, request) { self.fetch(session, request, fetch) }
        case .listOffset(let list):
            if allowed(session, .listOffset, .listOffset, request) {
                listOffset(session, sequence, list)
            }
        case .metadata(let metadata):
            if allowed(session, .metadata, .metadata, request) {
                self.metadata(session, sequence, metadata)
            }
        case .subscribe(let subscribe):
            if allowed(session, .subscribe, .subscribe, request) {
                self.subscribe(session, sequence, subscribe)
            }
        case .unsubscribe(let command):
            if allowed(session, .subscribe, .unsubscribe, request) {
                unsubscribe(session, sequence, command)
            }
        case .grant(let command):
            if allowed(session, .subscribe, .grant, request) { grant(session, sequence, command) }
        case .pause(let command):
            if allowed(session, .subscribe, .pause, request) { pause(session, sequence, command) }
        }
    }

    private func unknown(
        _ session: Session, _ sequence: Int64, _ kind: CommandKind, isOrdered: Bool
    ) {
        answer(
            session, sequence, kind, .unknownCommand, isOrdered: isOrdered,
            .error(ErrorReply(.unknownCommand, ReplyText.unknownCommand)))
    }

    /// Whether route and session allow a command; refuses it if not.
    private func allowed(
        _ session: Session, _ command: CommandSet, _ kind: CommandKind, _ request: PubSubRequest
    ) -> Bool {
        guard let access = session.access, !access.commands.contains(command) else { return true }
        answer(
            session, request.sequence, kind, .notAllowed, isOrdered: !request.usesExtensions,
            .error(ErrorReply(.notAllowed, "the command \(kind.name) is not allowed here")))
        return false
    }

    // MARK: Replies

    /// Answers a command that was never put off.
    func answer(
        _ session: Session, _ sequence: Int64, _ kind: CommandKind, _ fault: GatewayFault?,
        isOrdered: Bool, _ reply: Reply
    ) {
        tally.add(kind, fault, microseconds: 0)
        guard isOrdered, let desk = session.desk, !desk.queue.isEmpty else {
            return sendReply(session, sequence, reply)
        }
        // Counted when it came; the queue keeps its place only.
        let command = PendingCommand(
            number: nextNumber(), sequence: sequence, kind: kind, isOrdered: true, started: now)
        command.isTallied = true
        workshop.plain.removeAll()
        reply.write(sequence: sequence, as: session.format, into: &workshop.plain)
        command.reply = .message(workshop.plain.array, fault)
        session.heldReplyBytes += workshop.plain.count
        desk.queue.append(command)
    }

    /// Begins a command that is answered later.
    func begin(
        _ session: Session, _ sequence: Int64, _ kind: CommandKind, isOrdered: Bool,
        topic: String = "", partition: Int32 = 0
    ) -> PendingCommand {
        let command = PendingCommand(
            number: nextNumber(), sequence: sequence, kind: kind, isOrdered: isOrdered,
            topic: topic, partition: partition, started: now)
        let desk = session.desk ?? Desk()
        session.desk = desk
        if isOrdered {
            desk.queue.append(command)
        } else {
            desk.free[command.number] = command
        }
        return command
    }

    /// Ends a command with a message, or with an error.
    func complete(
        _ session: Session, _ command: PendingCommand, _ fault: GatewayFault?, _ reply: Reply
    ) {
        workshop.plain.removeAll()
        reply.write(sequence: command.sequence, as: session.format, into: &workshop.plain)
        completePlain(session, command, fault)
    }

    /// Ends a command with the message in `workshop.plain`.
    func completePlain(_ session: Session, _ command: PendingCommand, _ fault: GatewayFault?) {
        guard let desk = session.desk else { return }
        if desk.free.removeValue(forKey: command.number) != nil {
            count(command, fault)
            sendPlain(session)
        } else {
            session.heldReplyBytes += workshop.plain.count
            command.reply = .message(workshop.plain.array, fault)
            releaseReplies(session, desk)
        }
        settle(session)
    }

    func complete(_ session: Session, _ command: PendingCommand, _ slice: RecordSlice) {
        guard let desk = session.desk else { return }
        if desk.free.removeValue(forKey: command.number) != nil {
            count(command, nil)
            sendRecords(session, BatchHead(sequence: command.sequence, slice), slice)
        } else {
            command.reply = .records(slice)
            releaseReplies(session, desk)
        }
        settle(session)
    }

    /// Sends what is ready in front of the queue.
    private func releaseReplies(_ session: Session, _ desk: Desk) {
        while let command = desk.queue.popReady() {
            switch command.reply {
            case .message(let bytes, let fault):
                session.heldReplyBytes -= bytes.count
                if !command.isTallied { count(command, fault) }
                workshop.plain.removeAll()
                workshop.plain.bytes(bytes)
                sendPlain(session)
            case .records(let slice):
                count(command, nil)
                sendRecords(session, BatchHead(sequence: command.sequence, slice), slice)
            case nil: break
            }
        }
    }

    /// After a command: lets go of an empty desk, and reads on.
    func settle(_ session: Session) {
        if session.desk?.isEmpty == true { session.desk = nil }
        resumeReading(session)
    }

    private func count(_ command: PendingCommand, _ fault: GatewayFault?) {
        let elapsed = (now.nanoseconds - command.started.nanoseconds) / 1000
        if let host = command.host {
            tally.add(host: host.command.name, fault, microseconds: elapsed)
        } else {
            tally.add(command.kind, fault, microseconds: elapsed)
        }
    }

    // MARK: Errors

    /// The error as the client gets it: the original's words and the true code. The log gets the
    /// true cause.
    func fail(
        _ session: Session, _ command: PendingCommand, _ failure: KafkaFailure,
        _ text: (String) -> String
    ) {
        let fault = GatewayFault(failure)
        if failure.kind == .notAuthorized || fault != .notFound {
            let level: LogLevel = failure.kind == .kafka ? .info : .warning
            log(
                level, session,
                "\(command.kind.name) \(Self.quoted(command.topic)) \(command.partition):"
                    + " \(failure.cause)")
        }
        complete(session, command, fault, .error(Self.errorReply(failure, fault, text)))
    }

    static func errorReply(
        _ failure: KafkaFailure, _ fault: GatewayFault, _ text: (String) -> String
    ) -> ErrorReply {
        func known(_ offset: Int64) -> Int64? { offset < 0 ? nil : offset }
        return ErrorReply(
            ReplyCode(rawValue: fault.replyCode ?? 9), text(failure.text),
            retriable: failure.isRetriable,
            logStartOffset: known(failure.position.logStartOffset),
            highWatermark: known(failure.position.highWatermark))
    }

    /// What a client gets for a topic that it may not see: what it gets for one that is not there.
    static let hidden = KafkaFailure(
        kind: .notFound, text: "not found topic", cause: "not allowed by the route or the session")

    /// Whether the session may name the topic. A refusal is told to the log and the metric only.
    func sees(_ session: Session, _ topic: String) -> Bool {
        guard session.access?.allows(topic: topic) != true else { return true }
        counts.refusedTopics &+= 1
        log(.info, session, "the topic \(Self.quoted(topic)) is not allowed")
        return false
    }

    // MARK: Offsets and metadata

    private func listOffset(
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

    private func metadata(_ session: Session, _ sequence: Int64, _ metadata: MetadataCommand) {
        let command = begin(session, sequence, .metadata, isOrdered: false)
        let all = metadata.topics.isEmpty
        let query = MetadataQuery(topics: all ? nil : metadata.topics)
        let seen = metadata.topics.filter { sees(session, $0) }
        guard all || !seen.isEmpty, let seat = session.service?.seat else {
            return described(session, command, query, .success([]))
        }
        let token = RequestToken(raw: nextNumber())
        command.token = .request(token)
        requests[token] = .metadata(session, command, query)
        call(seat) { $0.metadata(token, topics: all ? nil : seen, now: now, &$1) }
    }

    func described(
        _ session: Session, _ command: PendingCommand, _ query: MetadataQuery,
        _ result: Result<[TopicDescription], KafkaFailure>
    ) {
        switch result {
        case .success(let found):
            complete(session, command, nil, .metadata(visible(session, query, found)))
        case .failure(let failure):
            fail(session, command, failure) { "failed to get metadata, err: \($0)" }
        }
    }

    /// In the order of the command, or by name; topics that are refused or missing look the same.
    private func visible(
        _ session: Session, _ query: MetadataQuery, _ found: [TopicDescription]
    ) -> [TopicMetadata] {
        guard let topics = query.topics else {
            return found.filter { session.access?.allows(topic: $0.name) == true }
                .sorted { $0.name < $1.name }.map(Self.topicMetadata)
        }
        let byName = Dictionary(found.map { ($0.name, $0) }) { first, _ in first }
        return topics.map { name in
            guard session.access?.allows(topic: name) == true, let topic = byName[name] else {
                return TopicMetadata(topic: name, code: .notFound)
            }
            return Self.topicMetadata(topic)
        }
    }

    private static func topicMetadata(_ topic: TopicDescription) -> TopicMetadata {
        if let failure = topic.failure {
            let code = GatewayFault(failure).replyCode ?? 9
            return TopicMetadata(topic: topic.name, code: ReplyCode(rawValue: code))
        }
        return TopicMetadata(
            topic: topic.name,
            partitions: topic.partitions.map {
                PartitionMetadata(
                    partition: $0.index, code: $0.leader < 0 ? .unavailable : nil)
            })
    }
}

extension BatchHead {
    /// The head of the reply to a fetch.
    init(sequence: Int64, _ slice: RecordSlice) {
        self.init(
            sequence: sequence, kind: .fetch, nextOffset: slice.nextOffset,
            highWatermark: slice.position.highWatermark,
            logStartOffset: slice.position.logStartOffset,
            lastStableOffset: slice.position.lastStableOffset)
    }
}
