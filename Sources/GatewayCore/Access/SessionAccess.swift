import PubSubProtocol

/// What one session may do: its route's policy, narrowed by the host's. Sessions without a policy
/// of their own share their route's.
final class SessionAccess {
    let commands: CommandSet
    let limits: SessionLimits
    let requestLimits: RequestLimits
    private let hostCommands: [Set<String>]
    private let topics: TopicAccess
    private let narrower: TopicAccess?
    private let produceTopics: [TopicAccess]
    /// Added to what is produced.
    let headers: AddedHeaders
    let principal: String?
    let trace: String?

    init(_ route: RoutePolicy, _ session: SessionPolicy? = nil) {
        commands = session?.commands.map { route.commands.intersection($0) } ?? route.commands
        hostCommands = [route.hostCommands, session?.hostCommands].compactMap { $0 }
        var limits = route.limits
        if let session { limits.narrow(by: session.limits, onlyDown: true) }
        self.limits = limits
        // One more than allowed: the command's own check says which limit it was.
        requestLimits = RequestLimits(followedMax: limits.subscriptions + 1)
        topics = route.topics
        narrower = session?.topics
        produceTopics = [route.produce.topics] + [session?.produceTopics].compactMap { $0 }
        headers = AddedHeaders(
            route.produce.headers, own: session?.headers ?? [], principal: session?.principal,
            trace: session?.trace)
        principal = session?.principal
        trace = session?.trace
    }

    /// A command of the host's: a list that is there has to name it.
    func allows(host name: String) -> Bool { hostCommands.allSatisfy { $0.contains(name) } }

    func allows(topic: String) -> Bool {
        topics.allows(topic) && narrower?.allows(topic) ?? true
    }

    /// Whether it may be produced to, whoever may read it.
    func produces(to topic: String) -> Bool { produceTopics.allSatisfy { $0.allows(topic) } }
}
