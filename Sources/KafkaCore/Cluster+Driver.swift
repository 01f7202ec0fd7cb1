import Bytes
import Timing

// The events of connections.
extension Cluster {
    /// TCP, and TLS where asked for, is up.
    public func opened(
        _ connection: BrokerConnectionID, now: Instant, _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) {
            guard let link = links[connection], link.state == .connecting else { return }
            do throws(KafkaFailure) {
                try link.begin(now: self.now, self)
            } catch {
                links.fail(link, error)
            }
        }
    }

    /// Any piece of the stream. Whole frames inside it are decoded in place.
    public func received(
        _ connection: BrokerConnectionID, _ bytes: UnsafeRawBufferPointer, now: Instant,
        _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) {
            counters.bytesReceived += UInt64(bytes.count)
            links[connection]?.heard(now: self.now)
            var rest = bytes
            // A frame may end the connection: look it up again for each.
            while let link = links[connection] {
                do throws(FrameAssembler.Fault) {
                    guard let frame = try link.frames.next(&rest) else { return }
                    arrived(link, frame)
                } catch {
                    links.fail(link, link.protocolError(error.text))
                }
            }
        }
    }

    /// In the middle of a large frame: where the driver may receive straight into. Valid until the
    /// next event of this connection.
    public func receiveSpace(
        _ connection: BrokerConnectionID
    ) -> UnsafeMutableRawBufferPointer? { links[connection]?.frames.space }

    /// `count` bytes of `receiveSpace` were filled.
    public func didReceive(
        _ connection: BrokerConnectionID, _ count: Int, now: Instant,
        _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) {
            counters.bytesReceived += UInt64(count)
            guard let link = links[connection] else { return }
            link.heard(now: self.now)
            do throws(FrameAssembler.Fault) {
                if let frame = try link.frames.filledSpace(count) { arrived(link, frame) }
            } catch {
                links.fail(link, link.protocolError(error.text))
            }
        }
    }

    /// Refused, reset, ended, TLS failed: the connection does not exist any more.
    public func closed(
        _ connection: BrokerConnectionID, _ failure: ConnectionFailure, now: Instant,
        _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) {
            guard let link = links[connection] else { return }
            let broker = link.broker
            let mayBeVersion = link.mayRefuseApiVersions(failure)
            links.fail(link, link.diagnosis(failure, self), isClosed: true)
            if mayBeVersion { retryWithOldVersion(broker) }
            needsFlush = true
        }
    }

    /// Azure Event Hubs resets connections whose ApiVersions it does not know: again, and after
    /// two resets with version 0, before this counts as a failure of the broker.
    private func retryWithOldVersion(_ broker: Broker) {
        quirks[broker.endpoint, default: EndpointQuirks()].noteReset()
        if (quirks[broker.endpoint]?.resetsOnApiVersions ?? 0)
            <= EndpointQuirks.resetsBeforeFallback
        {
            broker.pace.endPause()
            keeper.tryAgain(broker)
        }
    }

    public func derived(
        _ connection: BrokerConnectionID, saltedPassword: [UInt8], now: Instant,
        _ effects: inout [ClusterEffect]
    ) {
        handle(now, &effects) {
            guard let derivation = derivations.removeValue(forKey: connection) else { return }
            if derivedKeys.count >= Self.derivedKeysMax { derivedKeys = [:] }
            derivedKeys[derivation] = saltedPassword
            guard let link = links[connection], link.state == .works else { return }
            do throws(KafkaFailure) {
                try link.derived(saltedPassword, now: self.now, self)
            } catch {
                links.fail(link, error)
            }
        }
    }

    // MARK: Responses

    private func arrived(_ link: BrokerConnection, _ frame: FrameAssembler.Frame) {
        needsFlush = true
        do {
            switch try link.receive(frame.bytes, now: now, self) {
            case .nothing: break
            case .ready:
                link.broker.noteReady()
                tellOpened(link)
            case .response(let purpose, var reader, let request):
                let answer = Answer(request: request, connection: link, frame: frame)
                try purpose.take(&reader, answer, self)
            }
        } catch {
            return links.fail(link, error)
        }
        // Before anything else is sent on it (KIP-368).
        links.reauthenticateIfDue(link)
    }
}
