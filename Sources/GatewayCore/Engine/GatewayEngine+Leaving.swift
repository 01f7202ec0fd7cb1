import KafkaCore
import Timing
import WebSocketProtocol

/// What a session had asked for when it left.
struct Leaving {
    let session: Session
    var subscriptions: [LiveSubscription]
    var commands: [PendingCommand]
}

/// A session is over at once, whatever it waits for; that is taken back in the turns that follow. A
/// thousand clients that leave together with all their waiting commands hold nobody up.
extension GatewayEngine {
    /// The client has shut down its sending side while it was not read from. It gets no replies any
    /// more, but is read on: there may be a Close frame, or commands of the host's.
    public func clientLeft(_ id: SessionID, now: Instant) {
        self.now = now
        guard let session = sessions[id], session.phase == .open else { return }
        abandon(session)
        account(session)
        // Its memory is wanted more than what it may have said.
        if owesTooMuch(session) { return end(session, lingers: false) }
        resumeReading(session)
    }

    /// Who has left may still have said something to the host.
    func isHeardAfterLeaving(_ session: Session) -> Bool {
        !hostCommands(of: session).byRequestField.isEmpty
    }

    func leave(_ session: Session, _ desk: Desk) {
        session.service?.seat?.tellCount -= desk.described.count
        desk.described = []
        var commands = Array(desk.queue.waiting)
        // Its host must not be asked in vain.
        for command in commands where command.host != nil { cancel(session, command) }
        commands.removeAll { $0.host != nil }
        commands += desk.freeInOrder
        let subscriptions = desk.subscriptionsInOrder
        guard !commands.isEmpty || !subscriptions.isEmpty else { return }
        leaving.append(
            Leaving(
                session: session, subscriptions: subscriptions.reversed(),
                commands: commands.reversed()))
        if commands.count + desk.followedCount <= Self.takenBackAtOnce, leaving.count == 1 {
            serveLeaving()
        }
    }

    private static let takenBackAtOnce = 4

    /// What a session held is given back at once if it is little: to give a megabyte back takes the
    /// kernel long, and a thousand may end together.
    func giveBack(_ session: Session) {
        guard session.chargedBytes > Self.givenBackAtOnce else { return account(session) }
        ended.append(session)
    }

    private static let givenBackAtOnce = 64 << 10

    private func forget(_ session: Session) {
        spent &+= Work.grown(session.chargedBytes) / 4
        session.connection = ServerConnection()
        session.output = Output()
        session.heldInput = nil
        account(session)
    }

    /// A part of the turn, so that those who come get the rest of it.
    func serveLeaving() {
        let end = spent &+ Work.turn / 4
        while spent &- end < 0, let session = ended.popLast() { forget(session) }
        while spent &- end < 0, let last = leaving.indices.last {
            let session = leaving[last].session
            if let subscription = leaving[last].subscriptions.popLast() {
                spent &+= Work.partition &* max(1, subscription.partitions.count)
                remove(session, subscription)
            } else if let command = leaving[last].commands.popLast() {
                spent &+= Work.farewell
                cancel(session, command)
            } else {
                leaving.removeLast()
            }
        }
    }
}
