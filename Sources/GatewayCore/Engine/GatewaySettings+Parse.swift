extension GatewaySettings {
    /// Reads the settings of a gateway: any of `threads`, `cache_bytes`, `host_plugins`,
    /// `client_id`, `limits{sessions,sessions_per_address}`.
    public static func parse(
        _ json: UnsafeRawBufferPointer
    ) throws(ConfigurationError) -> GatewaySettings { GatewaySettings() }
}
