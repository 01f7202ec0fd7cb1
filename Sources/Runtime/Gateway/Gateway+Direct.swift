import GatewayCore

// Kafka clients of the host's own.
extension Gateway {
    public func makeClient(
        json: UnsafeRawBufferPointer, queue: EventQueue, userData: UInt64
    ) throws(Failure) -> KafkaClient {
        try mustServe()
        try mustOwn(queue)
        let settings = try directSettings(json)
        guard let loop = nextLoop() else { throw Self.stopped }
        let client = KafkaClient(loop, queue: queue, userData: userData)
        try client.open(settings)
        return client
    }

    private func directSettings(
        _ json: UnsafeRawBufferPointer
    ) throws(Failure) -> DirectSettings {
        let source: DirectSource
        do {
            source = try DirectSource.parse(
                json, clientID: settings.gateway.clientID, tls: Self.tlsCheck)
        } catch {
            throw Failure(.config, "config_json: \(error)")
        }
        switch source {
        case .own(let settings): return settings
        case .route(let id):
            guard let route = state.withLock({ $0.routes.route(id: id) }) else {
                throw Failure(.noRoute, "there is no route \"\(id)\"")
            }
            guard let settings = DirectSettings(route) else {
                throw Failure(.config, "config_json: the route \"\(id)\" has no Kafka")
            }
            return settings
        }
    }
}

// Their producers.
extension KafkaClient {
    /// `json` nil: the defaults.
    public func makeProducer(
        json: UnsafeRawBufferPointer?, userData: UInt64
    ) throws(Failure) -> KafkaProducer {
        var settings = DirectProducerSettings()
        do {
            if let json { settings = try DirectProducerSettings.parse(json) }
        } catch {
            throw Failure(.config, "settings_json: \(error)")
        }
        return try producer(settings, userData: userData)
    }
}
