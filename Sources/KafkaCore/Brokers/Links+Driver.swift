import Bytes
import SASL
import Timing

// The events of connections.
extension Links {
    /// TCP, and TLS where asked for, is up.
    func opened(_ id: BrokerConnectionID) {
        guard let connection = self[id], connection.state == .connecting else { return }
        do {
            try connection.begin()
        } catch {
            fail(connection, error)
        }
    }

    /// Any piece of the stream. Whole frames inside it are decoded in place.
    func received(_ id: BrokerConnectionID, _ bytes: UnsafeRawBufferPointer) {
        noteReceived(id, bytes.count)
        var rest = bytes
        // A frame may end the connection: look it up again for each.
        while let connection = self[id] {
            do throws(FrameAssembler.Fault) {
                guard let frame = try connection.frames.next(&rest) else { return }
                arrived(connection, frame)
            } catch {
                fail(connection, connection.protocolError(error.text))
            }
        }
    }

    /// `count` bytes of where the frame in work goes were filled.
    func didReceive(_ id: BrokerConnectionID, _ count: Int) {
        noteReceived(id, count)
        guard let connection = self[id] else { return }
        do throws(FrameAssembler.Fault) {
            if let frame = try connection.frames.filledSpace(count) { arrived(connection, frame) }
        } catch {
            fail(connection, connection.protocolError(error.text))
        }
    }

    private func noteReceived(_ id: BrokerConnectionID, _ count: Int) {
        context.counters.bytesReceived += UInt64(count)
        if let connection = self[id], let link = link(connection) { heard(link) }
    }

    /// Refused, reset, ended, TLS failed: the connection does not exist any more.
    func closed(_ id: BrokerConnectionID, _ failure: ConnectionFailure) {
        guard let connection = self[id], let link = link(connection) else { return }
        let mayBeVersion = connection.mayRefuseApiVersions(failure)
        fail(connection, connection.diagnosis(failure), isClosed: true)
        if mayBeVersion { retryWithOldVersion(link.broker) }
        context.needFlush()
    }

    /// Azure Event Hubs resets connections whose ApiVersions it does not know: again, and after
    /// two resets with version 0, before this counts as a failure of the broker.
    private func retryWithOldVersion(_ broker: Broker) {
        guard memory.noteResetOfVersions(broker.endpoint) else { return }
        broker.pace.endPause()
        router.brokerMayBeTriedAgain(broker)
    }

    /// What a login had to compute.
    func worked(_ id: BrokerConnectionID, _ result: LoginWork.Result) {
        guard let connection = self[id] else { return }
        do {
            try connection.worked(result)
        } catch {
            fail(connection, error)
        }
    }

    // MARK: Responses

    private func arrived(_ connection: BrokerConnection, _ frame: FrameAssembler.Frame) {
        context.needFlush()
        do {
            switch try connection.receive(frame.bytes) {
            case .nothing: break
            case .ready:
                link(connection)?.broker.noteReady()
                tellOpened(connection)
            case .response(let purpose, var reader, let request):
                let answer = Answer(request: request, connection: connection, frame: frame)
                try purpose.take(&reader, answer)
            }
        } catch {
            return fail(connection, error)
        }
        // Before anything else is sent on it (KIP-368).
        reauthenticateIfDue(connection)
    }

    // MARK: The log

    /// It is set up; a new login on it is none of the log's.
    private func tellOpened(_ connection: BrokerConnection) {
        guard !connection.isTold else { return }
        connection.isTold = true
        context.log(.info, "\(connection.endpoint): connection for \(connection.role) opened")
    }

    /// Whoever was told that it is open learns that it is not, and why.
    func tellClosed(_ connection: BrokerConnection, _ cause: String) {
        guard connection.isTold else { return }
        connection.isTold = false
        let text = "connection for \(connection.role) closed: \(cause)"
        context.log(.info, "\(connection.endpoint): \(text)")
    }
}

extension Links: ConnectionOwner {
    func answered(_ connection: BrokerConnection, isFirst: Bool) {
        guard let broker = link(connection)?.broker else { return }
        broker.noteAnswer()
        guard isFirst else { return }
        memory.noteService(connection.endpoint)
        router.brokerServes(broker)
    }
}
