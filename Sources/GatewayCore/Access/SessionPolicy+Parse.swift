extension SessionPolicy {
    /// Reads the policy that a host gives with a session: any of `commands`,
    /// `topics{allow,deny,produce{allow,deny}}`, `limits`, `headers`, `principal`, `trace`.
    public static func parse(
        _ json: UnsafeRawBufferPointer
    ) throws(ConfigurationError) -> SessionPolicy {
        var (reader, _) = try ConfigurationReader.document(json)
        var policy = SessionPolicy()
        if let list = try CommandList.parse(&reader) {
            policy.commands = list.commands
            policy.hostCommands = list.hostCommands
        }
        if let topics = try TopicRules.parse(&reader, read: .everything, produce: .everything) {
            policy.topics = topics.read
            policy.produceTopics = topics.produce
        }
        policy.headers = try AddedHeader.parse(&reader)
        if var limits = try reader.reader("limits") {
            policy.limits = try LimitOverrides.parse(&limits)
            try limits.end()
        }
        policy.principal = try reader.string("principal")
        policy.trace = try reader.string("trace")
        try reader.end()
        return policy
    }
}
