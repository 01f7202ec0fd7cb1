extension GatewaySettings {
    /// Reads the settings of a gateway: any of `threads`, `cache_bytes`, `host_plugins`,
    /// `host_schemes`, `client_id`, `limits{sessions,sessions_per_address,memory_bytes}`.
    public static func parse(
        _ json: UnsafeRawBufferPointer
    ) throws(ConfigurationError) -> GatewaySettings {
        var (reader, _) = try ConfigurationReader.document(json)
        var settings = GatewaySettings()
        if let count = try reader.count("threads", 1...256) { settings.threads = count }
        if let bytes = try reader.count("cache_bytes", 0...(1 << 40)) {
            settings.cacheBytes = max(bytes, GatewaySettings.cacheBytesMin)
        }
        if let plugins = try reader.strings("host_plugins") {
            settings.hostPlugins = Set(plugins.map(\.text))
        }
        settings.hostSchemes = try schemes(&reader)
        if let id = try reader.clientID("client_id") { settings.clientID = id }
        if var limits = try reader.reader("limits") {
            settings.sessionsMax = try limits.count("sessions", 0...10_000_000) ?? 0
            settings.sessionsPerAddressMax =
                try limits.count("sessions_per_address", 0...10_000_000) ?? 0
            if let bytes = try limits.count("memory_bytes", (1 << 20)...(1 << 40)) {
                settings.memoryBytes = bytes
            }
            try limits.end()
        }
        try reader.end()
        return settings
    }

    private static func schemes(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> Set<String> {
        var schemes: Set<String> = []
        for (scheme, place) in try reader.strings("host_schemes") ?? [] {
            guard scheme != UpstreamObject.kafkaScheme else {
                throw reader.fault("host_schemes", "kafka is the library's own", at: place)
            }
            guard UpstreamObject.isScheme(scheme) else {
                throw reader.fault(
                    "host_schemes", "\"\(scheme.prefix(80))\": \(UpstreamObject.schemeRule)",
                    at: place)
            }
            schemes.insert(scheme)
        }
        return schemes
    }
}
