import GatewayCore
import KafkaCore
import RecordFormat

extension Rig {
    /// A client of the host's with the settings of the route `kafka`.
    func openDirect(_ number: UInt64 = 1) throws -> DirectClientID {
        let id = DirectClientID(raw: number)
        guard let route = table.route(id: "kafka"), let settings = DirectSettings(route) else {
            throw Missing()
        }
        engine.openDirect(id, settings, now: now)
        settle()
        return id
    }

    struct Missing: Error {}

    func ask(_ id: DirectClientID, _ token: UInt64, _ ask: DirectAsk) {
        engine.ask(id, token: token, ask, now: now)
        settle()
    }

    func takeDirect() -> [DirectEvent] {
        defer { direct = [] }
        return direct
    }

    /// The host takes events off its queue.
    func taken(_ events: [DirectEvent]) {
        for event in events {
            guard case .records(let records) = event.content else { continue }
            engine.taken(
                event.client, token: event.token, number: event.number,
                bytes: records.byteCount + GatewayEngine.directEventBytes, now: now)
        }
        settle()
    }
}

extension DirectEvent {
    var records: DirectRecords? {
        if case .records(let records) = content { records } else { nil }
    }

    var failure: DirectFailure? {
        if case .failed(let failure) = content { failure } else { nil }
    }

    var offset: ListedOffset? { if case .offset(let listed) = content { listed } else { nil } }

    var json: String? {
        guard case .metadata(let bytes) = content else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension DirectRecords {
    var values: [String] {
        var values: [String] = []
        for piece in pieces {
            var reader = KafkaMessageReader(piece.bytes)
            while let record = try? reader.next() {
                values.append(record.value.map { String(decoding: $0, as: UTF8.self) } ?? "null")
            }
        }
        return values
    }
}
