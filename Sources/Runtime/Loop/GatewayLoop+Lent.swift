import EventLoop
import GatewayCore

/// What a thread that the loop was lent to has done.
struct Attended: Sendable {
    /// There is output that only the call's result tells the host of.
    var hasOutput = false
}

// The loop on a thread of the host's, which has just left a little in a pipe. To look at it there
// and then, while the loop waits, spares two changes of threads, which cost more than the work.
extension GatewayLoop {
    /// Output that is made here; more is the loop's own.
    private static let outputBytesMax = 64 << 10

    /// nil: it is no little work, or not this session's turn.
    func attendLent(_ id: SessionID) -> Attended? {
        guard engine.effects.isEmpty, answers.isEmpty, engine.isLight(id),
            let port = clients[id] as? PipePort, !port.isPaused, !port.isReady
        else { return nil }
        isLent = true
        loop.lent {
            engine.beginTurn()
            port.attend()
            if isSoleWriter(port) { flushClients() }
        }
        isLent = false
        defer { port.answersOutput = false }
        return Attended(hasOutput: port.answersOutput)
    }

    private func isSoleWriter(_ port: PipePort) -> Bool {
        dirtyClients.count == 1 && dirtyClients[0] === port
            && engine.unsentBytes(of: port.id) <= Self.outputBytesMax
    }

    /// What concerns the session alone. All else, and what stands behind it, is for the loop's own
    /// thread: functions of the host's are called there and sockets written.
    func performLight() {
        var done = 0
        while done < engine.effects.count {
            switch engine.effects[done] {
            case .wantsWrite(let id): markDirty(id)
            case .pauseReading(let id): clients[id]?.isPaused = true
            case .resumeReading(let id): clients[id]?.isPaused = false
            default: return engine.effects.removeFirst(done)
            }
            done += 1
        }
        engine.effects.removeAll(keepingCapacity: true)
    }
}
