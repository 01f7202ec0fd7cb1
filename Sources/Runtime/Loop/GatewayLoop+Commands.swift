import EventLoop
import GatewayCore

/// An answer of the host's on its way to the engine.
struct PendingAnswer {
    let token: HostToken
    let answer: HostAnswer
}

// Commands of the host's own: from the engine to their receivers, and back.
extension GatewayLoop {
    func setCommands(_ book: CommandBook) {
        receivers = book.receivers
        engine.setHostCommands(book.table, now: loop.now)
        perform()
    }

    func deliver(_ call: HostCall) {
        // Before anybody can answer: a function may do so while it is called.
        openCommands.add(call.token)
        guard let receiver = receivers[call.command.receiver], receiver.take(event(call))
        else {
            if openCommands.claim(call.token) { answerSoon(call.token, .noReceiver) }
            return
        }
    }

    private func event(_ call: HostCall) -> QueueEvent {
        var event = QueueEvent(call)
        // A session that the host has forgotten has no commands either.
        event.sender = hosted[call.session]
        return event
    }

    /// An answer from the loop's own thread, where the engine may be in the middle of something.
    func answerSoon(_ token: HostToken, _ answer: HostAnswer) {
        answers.append(PendingAnswer(token: token, answer: answer))
    }

    /// An answer that came through the mailbox.
    func answer(_ token: HostToken, _ answer: HostAnswer) {
        engine.answer(token, answer, now: loop.now)
        perform()
    }

    /// Gives the engine what was answered while its effects were performed.
    func giveAnswers() {
        var given: [PendingAnswer] = []
        swap(&given, &answers)
        for pending in given { engine.answer(pending.token, pending.answer, now: loop.now) }
    }
}

extension QueueEvent {
    /// `PUBSUBGW_COMMAND_JSON`
    static let jsonFlag: UInt32 = 1

    init(_ call: HostCall) {
        self.init(.command)
        session = call.session.raw
        token = call.token.raw
        userData = call.userData
        code = Int32(clamping: call.command.requestField)
        number = call.sequence
        number2 = Int64(call.command.responseField)
        flags = call.token.isJSON ? Self.jsonFlag : 0
        data = EventData(call.payload)
    }
}
