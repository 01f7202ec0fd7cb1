import KafkaCore
import PubSubProtocol
import Timing

extension GatewayEngine {
    /// Answers a command that was never put off.
    func answer(
        _ session: Session, _ sequence: Int64, _ kind: CommandKind, _ fault: GatewayFault?,
        isOrdered: Bool, _ reply: Reply
    ) {
        tally.add(kind, fault, microseconds: 0)
        guard isOrdered, let desk = session.desk, !desk.queue.isEmpty else {
            return sendReply(session, sequence, reply, fault)
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

    /// The same with the error that the fault stands for.
    func answer(
        _ session: Session, _ sequence: Int64, _ kind: CommandKind, _ fault: GatewayFault,
        isOrdered: Bool, error text: String, retriable: Bool = false
    ) {
        answer(
            session, sequence, kind, fault, isOrdered: isOrdered,
            .error(Self.errorReply(fault, text, retriable: retriable)))
    }

    private static func errorReply(
        _ fault: GatewayFault, _ text: String, retriable: Bool
    ) -> ErrorReply {
        ErrorReply(fault.replyCode ?? .internalError, text, retriable: retriable)
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
        if session.post != nil { return completePost(session, command, fault, reply) }
        workshop.plain.removeAll()
        reply.write(sequence: command.sequence, as: session.format, into: &workshop.plain)
        completePlain(session, command, fault)
    }

    private func completePost(
        _ session: Session, _ command: PendingCommand, _ fault: GatewayFault?, _ reply: Reply
    ) {
        guard session.desk?.free.removeValue(forKey: command.number) != nil else { return }
        count(command, fault)
        session.desk = nil
        answer(session, reply, fault)
    }

    /// Ends a command with the error that the fault stands for.
    func complete(
        _ session: Session, _ command: PendingCommand, _ fault: GatewayFault, error text: String,
        retriable: Bool = false
    ) {
        complete(
            session, command, fault, .error(Self.errorReply(fault, text, retriable: retriable)))
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

    /// Ends a command whose reply has its place in no order with one that many get.
    func complete(_ session: Session, _ command: PendingCommand, _ rest: SharedBytes) {
        guard let desk = session.desk,
            desk.free.removeValue(forKey: command.number) != nil
        else { return }
        count(command, nil)
        workshop.plain.removeAll()
        Reply.writeStart(
            sequence: command.sequence, as: session.format, into: &workshop.plain)
        sendPlain(session, rest)
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
        if session.desk?.postponed.isEmpty == false { askPostponed(session) }
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
}
