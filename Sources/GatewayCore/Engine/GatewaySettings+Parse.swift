extension GatewaySettings {
    /// Reads the settings of a gateway: any of `threads`, `cache_bytes`, `host_plugins`,
    /// `client_id`, `limits{sessions,sessions_per_address}`.
    public static func parse(
        _ json: UnsafeRawBufferPointer
    ) throws(ConfigurationError) -> GatewaySettings {
        var (reader, _) = try ConfigurationReader.document(json)
        var settings = GatewaySettings()
        if let count = try reader.count("threads", 1...256) { settings.threads = count }
        if let bytes = try reader.count("cache_bytes", 0...(1 << 40)) {
            settings.cacheBytes = bytes
        }
        if let plugins = try reader.strings("host_plugins") {
            settings.hostPlugins = Set(plugins.map(\.text))
        }
        if let id = try reader.string("client_id") { settings.clientID = id }
        if var limits = try reader.reader("limits") {
            settings.sessionsMax = try limits.count("sessions", 0...10_000_000) ?? 0
            settings.sessionsPerAddressMax =
                try limits.count("sessions_per_address", 0...10_000_000) ?? 0
            try limits.end()
        }
        try reader.end()
        return settings
    }
}
