import Bytes
import Timing

/// The way of an answer to its client, and what faults do to it.
extension BrokerCluster {
    /// The answer of a request, now or after its delay.
    func finish(_ frame: ByteBlock, _ context: RequestContext, now: Instant) {
        if context.delayMilliseconds > 0 {
            timers.add(
                .deliver(context, frame), due: now.adding(milliseconds: context.delayMilliseconds))
            return
        }
        deliver(frame, context, now: now)
    }

    func deliver(_ frame: ByteBlock, _ context: RequestContext, now: Instant) {
        let connection = context.connection
        guard !connection.isClosed else { return }
        // Of a long poll that was held before the broker froze.
        if connection.broker.isFrozen { return connection.broker.held.append((context, frame)) }
        switch context.transportFault {
        case .silence: return
        case .close: return close(connection)
        case .cut(let bytes):
            let part = UnsafeRawBufferPointer(rebasing: frame.bytes.prefix(max(0, bytes)))
            send(ByteBlock(copying: part), connection)
            return close(connection)
        case .wrongCorrelation where frame.count >= 8:
            frame.mutableBytes[7] ^= 0x55
            send(frame, connection)
        case .replace(let body):
            var writer = ByteWriter(capacity: body.count + 4)
            writer.int32(Int32(clamping: body.count))
            writer.bytes(body)
            send(writer.take(), connection)
        default: send(frame, connection)
        }
        if context.closesAfterwards { return close(connection) }
        answered(connection, throttled: context.throttleMilliseconds, now: now)
    }

    /// The next request may come.
    func answered(_ connection: ClientConnection, throttled: Int32, now: Instant) {
        if throttled > 0 {
            // KIP-219: the answer goes out at once, the channel stays muted.
            timers.add(
                .unmute(connection.id), due: now.adding(milliseconds: Int64(throttled)))
            return
        }
        connection.isBusy = false
        advance(connection, now: now)
    }

    func unmute(_ id: ClientConnectionID, now: Instant) {
        guard let connection = connections[id] else { return }
        answered(connection, throttled: 0, now: now)
    }

    private func send(_ frame: ByteBlock, _ connection: ClientConnection) {
        guard frame.count > 0 else { return }
        connection.broker.counters.bytesSent += frame.count
        effects.append(.send(connection.id, frame))
    }
}
