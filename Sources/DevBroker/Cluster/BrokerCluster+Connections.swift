import Bytes
import Timing

/// The connections' life and their bytes.
extension BrokerCluster {
    /// A client has connected to a broker; nil if that broker is down.
    public func open(broker id: Int32, now: Instant) -> ClientConnectionID? {
        guard let broker = broker(id), broker.isUp else { return nil }
        let connection = ClientConnection(id: newConnectionID(), broker: broker)
        connections[connection.id] = connection
        broker.counters.opened()
        return connection.id
    }

    /// The client has closed, or the driver has lost it.
    public func closed(_ id: ClientConnectionID, now: Instant) {
        if let connection = connections[id] { forget(connection) }
    }

    /// Takes bytes of a client, cut anywhere.
    public func receive(_ id: ClientConnectionID, _ bytes: UnsafeRawBufferPointer, now: Instant) {
        guard let connection = connections[id] else { return }
        connection.broker.counters.bytesReceived += bytes.count
        if connection.inbound.isEmpty && mayAdvance(connection) {
            // The usual case: whole requests, handled where they lie.
            let taken = advance(connection, bytes, now: now)
            connection.inbound.bytes(UnsafeRawBufferPointer(rebasing: bytes[taken...]))
        } else {
            connection.inbound.bytes(bytes)
            advance(connection, now: now)
        }
        settle(now: now)
    }

    /// Whether more bytes of this client are worth reading: those of a client that sends without
    /// waiting for answers are left in its socket.
    public func wantsInput(_ id: ClientConnectionID) -> Bool {
        guard let connection = connections[id] else { return false }
        return !connection.isBusy || connection.inbound.count < Self.inboundBytesMax
    }

    private static let inboundBytesMax = 4 << 20

    private func mayAdvance(_ connection: ClientConnection) -> Bool {
        !connection.isBusy && !connection.isAdvancing && !connection.isClosed
            && !connection.broker.isFrozen
    }

    /// Handles the requests that have arrived whole, until one of them waits.
    func advance(_ connection: ClientConnection, now: Instant) {
        guard mayAdvance(connection), connection.inbound.count >= 4 else { return }
        let block = connection.inbound.take()
        let taken = advance(connection, block.bytes, now: now)
        connection.inbound.bytes(UnsafeRawBufferPointer(rebasing: block.bytes[taken...]))
    }

    /// The same from `bytes`; answers how many of them have been used up.
    private func advance(
        _ connection: ClientConnection, _ bytes: UnsafeRawBufferPointer, now: Instant
    ) -> Int {
        connection.isAdvancing = true
        defer { connection.isAdvancing = false }
        var taken = 0
        while !connection.isBusy && !connection.isClosed && bytes.count - taken >= 4 {
            let count = Int(
                Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: taken, as: Int32.self)))
            guard count >= 0, count <= settings.requestBytesMax else {
                close(connection)
                return bytes.count
            }
            guard bytes.count - taken - 4 >= count else { break }
            let start = taken + 4
            taken = start + count
            handle(UnsafeRawBufferPointer(rebasing: bytes[start..<taken]), connection, now: now)
        }
        return connection.isClosed ? bytes.count : taken
    }

    /// Closes from the broker's side.
    func close(_ connection: ClientConnection) {
        guard !connection.isClosed else { return }
        effects.append(.close(connection.id))
        forget(connection)
    }

    private func forget(_ connection: ClientConnection) {
        guard !connection.isClosed else { return }
        connection.isClosed = true
        stopWaiting(connection)
        connection.broker.counters.connectionsOpen -= 1
        connections[connection.id] = nil
    }
}
