extension SessionPolicy {
    /// Reads the policy that a host gives with a session: any of `commands`, `topics{allow,deny}`,
    /// `limits`, `principal`, `trace`.
    public static func parse(
        _ json: UnsafeRawBufferPointer
    ) throws(ConfigurationError) -> SessionPolicy { SessionPolicy() }
}
