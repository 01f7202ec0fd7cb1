import KafkaCore
import PubSubProtocol
import WebSocketProtocol

/// The `pubsub` object of a route.
extension RouteDraft {
    /// Sizes up to 1 GiB, times up to a day: beyond lies a slip of the pen.
    static let bytes = 1...(1 << 30)
    static let milliseconds: ClosedRange<Int64> = 0...86_400_000
    static let counts = 0...10_000_000

    mutating func readPolicy(_ route: inout ConfigurationReader) throws(ConfigurationError) {
        guard var reader = try route.reader("pubsub") else { return }
        if let list = try CommandList.parse(&reader) {
            policy.commands = list.commands
            policy.hostCommands = list.hostCommands
        }
        if let topics = try TopicRules.parse(&reader, read: .standard, produce: .nothing) {
            policy.topics = topics.read
            policy.produce.topics = topics.produce
            noteInternal("topics.allow", topics.read)
            noteInternal("topics.produce.allow", topics.produce)
        }
        try readProduce(&reader)
        try readOrigins(&reader)
        try readIsolation(&reader)
        try readFetch(&reader)
        try readConnector(&reader)
        try readLimits(&reader)
        try readPing(&reader)
        policy.compression = try reader.bool("compression") ?? false
        if reader.has("cache_bytes") {
            notes.append("pubsub.cache_bytes: a setting of the gateway, without effect in a route")
        }
        try reader.end()
    }

    private mutating func noteInternal(_ key: String, _ topics: TopicAccess) {
        for glob in topics.opensInternal {
            notes.append("pubsub.\(key): \(glob.text) opens internal topics of Kafka's")
        }
    }

    private mutating func readOrigins(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        guard let texts = try reader.strings("origins") else { return }
        for (text, place) in texts {
            do {
                _ = try OriginPolicy([text])
            } catch {
                throw reader.fault(
                    "origins", "expected \"*\", an origin or \"*.domain\": \"\(text)\"", at: place)
            }
        }
        do {
            policy.origins = try OriginPolicy(texts.map(\.text))
        } catch {
            throw reader.fault("origins", "expected origins")
        }
    }

    mutating func readIsolation(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        switch try reader.string("isolation") {
        case nil, "read_uncommitted": policy.isolation = .readUncommitted
        case "read_committed": policy.isolation = .readCommitted
        case .some(let text):
            throw reader.fault(
                "isolation", "expected read_uncommitted or read_committed, got \"\(text)\"")
        }
    }

    mutating func readFetch(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        guard var fetch = try reader.reader("fetch") else { return }
        if let bytes = try fetch.count("min_bytes", Self.bytes) { policy.fetch.minBytes = bytes }
        if let bytes = try fetch.count("max_bytes", Self.bytes) { policy.fetch.maxBytes = bytes }
        try readLargestFetch(&fetch)
        if let bytes = try fetch.count("default_bytes", Self.bytes) {
            guard bytes <= policy.fetch.maxBytes else {
                throw fetch.fault("default_bytes", "more than max_bytes (\(policy.fetch.maxBytes))")
            }
            policy.fetch.defaultBytes = bytes
        }
        policy.fetch.defaultBytes = min(policy.fetch.defaultBytes, policy.fetch.maxBytes)
        if let wait = try fetch.integer("max_wait_ms", 1...Self.milliseconds.upperBound) {
            policy.fetch.maxWaitMilliseconds = wait
        }
        if let bytes = try fetch.count("batch_bytes", Self.bytes) {
            policy.fetch.batchBytes = bytes
        }
        if let name = try fetch.string("reset") {
            guard let reset = FetchReset(rawValue: name) else {
                let names = FetchReset.allCases.map(\.rawValue).joined(separator: " or ")
                throw fetch.fault("reset", "expected \(names), got \"\(name)\"")
            }
            policy.fetch.reset = reset
        }
        try fetch.end()
    }

    /// The connector document's unit, and its 0.
    private mutating func readLargestFetch(
        _ fetch: inout ConfigurationReader
    ) throws(ConfigurationError) {
        guard let mebibytes = try fetch.count("max_mb", 0...1_024) else { return }
        guard !fetch.has("max_bytes") else {
            throw fetch.fault("max_mb", "says the same as max_bytes: only one of them may be set")
        }
        if mebibytes > 0 {
            policy.fetch.maxBytes = mebibytes << 20
        } else {
            notes.append(
                "pubsub.fetch.max_mb: 0, for no limit, leaves it at \(policy.fetch.maxBytes) bytes")
        }
    }

    /// Below a second brokers would be asked more than they change; what is a day old has missed
    /// whole lives of topics.
    private static let metadataAges: ClosedRange<Int64> = 1_000...86_400_000

    /// The connector document's names, and Kafka's.
    mutating func readConnector(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        let positive = 1...Self.milliseconds.upperBound
        connector.clientID = try reader.clientID("client_id")
        connector.rack = try reader.printableName("rack")
        if let text = try reader.string("version") {
            guard let release = KafkaRelease(text) else {
                throw reader.fault(
                    "version", "expected a release of Kafka from 1.1 on (\"2.8\"), got \"\(text)\"")
            }
            connector.release = release
        }
        connector.requestTimeoutMilliseconds = try reader.integer("request_timeout_ms", positive)
        connector.metadataMaxAgeMilliseconds = try reader.integer(
            "metadata_max_age_ms", Self.metadataAges)
        guard var retry = try reader.reader("retry") else { return }
        // Waits between attempts start at 100 ms.
        connector.retryBackoffMilliseconds = try retry.integer(
            "backoff_ms", 100...positive.upperBound)
        if let timeout = try retry.integer("request_timeout_ms", positive) {
            connector.requestTimeoutMilliseconds = timeout
        }
        try retry.end()
    }

    private mutating func readLimits(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        guard var limits = try reader.reader("limits") else { return }
        let overrides = try LimitOverrides.parse(&limits)
        policy.limits.narrow(by: overrides, onlyDown: false)
        if let count = try limits.count("sessions", Self.counts) { policy.limits.sessions = count }
        if let count = try limits.count("sessions_per_address", Self.counts) {
            policy.limits.sessionsPerAddress = count
        }
        if let time = try limits.integer("handshake_ms", 1...Self.milliseconds.upperBound) {
            policy.limits.handshakeMilliseconds = time
        }
        if let time = try limits.integer("command_ms", 1...Self.milliseconds.upperBound) {
            policy.limits.commandMilliseconds = time
        }
        try limits.end()
    }

    private mutating func readPing(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        guard var ping = try reader.reader("ping") else { return }
        if let time = try ping.integer("interval_ms", Self.milliseconds) {
            policy.keepalive.intervalMilliseconds = time
        }
        if let time = try ping.integer("timeout_ms", 1...Self.milliseconds.upperBound) {
            policy.keepalive.timeoutMilliseconds = time
        }
        try ping.end()
    }
}

/// `topics` of a route or a session's policy.
struct TopicRules {
    var read: TopicAccess
    var produce: TopicAccess

    /// With the two defaults where it says nothing.
    static func parse(
        _ reader: inout ConfigurationReader, read: TopicAccess, produce: TopicAccess
    ) throws(ConfigurationError) -> TopicRules? {
        guard var topics = try reader.reader("topics") else { return nil }
        var rules = TopicRules(read: read, produce: produce)
        try rules.read.take(&topics)
        if var own = try topics.reader("produce") {
            try rules.produce.take(&own)
            try own.end()
        }
        try topics.end()
        return rules
    }
}

extension TopicAccess {
    /// `allow` and `deny`, as far as they are there.
    fileprivate mutating func take(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) {
        if let allow = try Self.globs("allow", &reader) { self.allow = allow }
        if let deny = try Self.globs("deny", &reader) { self.deny = deny }
    }

    /// A pattern that matches nothing would open or close less than was meant.
    private static func globs(
        _ key: String, _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> [Glob]? {
        guard let texts = try reader.strings(key) else { return nil }
        var globs: [Glob] = []
        for (text, place) in texts {
            guard TopicName.isPossible(pattern: text) else {
                throw reader.fault(
                    key,
                    "\"\(text)\" can match no topic: names have up to \(TopicName.bytesMax) of"
                        + " a-z A-Z 0-9 . _ -; in patterns, * is any run and ? one of them",
                    at: place)
            }
            globs.append(Glob(text))
        }
        return globs
    }
}

extension LimitOverrides {
    static func parse(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> LimitOverrides {
        var limits = LimitOverrides()
        limits.messageBytes = try reader.count("message_bytes", 1...(1 << 30))
        limits.commandsInFlight = try reader.count("commands_in_flight", 1...1_000_000)
        limits.commandsPerSecond = try reader.count("commands_per_second", 0...1_000_000)
        limits.unsentBytes = try reader.count("unsent_bytes", 1...(1 << 30))
        limits.subscriptions = try reader.count("subscriptions", 0...1_000_000)
        limits.recordBytes = try reader.count("record_bytes", 0...(1 << 30))
        limits.produceBytesPerSecond = try reader.count(
            "produce_bytes_per_second", 0...(1 << 30))
        limits.produceRecordsPerSecond = try reader.count(
            "produce_records_per_second", 0...10_000_000)
        limits.produceBytesInFlight = try reader.count(
            "produce_bytes_in_flight", 1...(1 << 30))
        limits.messageMilliseconds = try reader.integer("message_ms", 0...86_400_000)
        limits.idleMilliseconds = try reader.integer("idle_ms", 0...86_400_000)
        return limits
    }
}

extension SessionLimits {
    /// Takes over what is named; `onlyDown`: where it is smaller.
    mutating func narrow(by overrides: LimitOverrides, onlyDown: Bool) {
        func pick<Number: BinaryInteger>(_ own: Number, _ other: Number?) -> Number {
            guard let other else { return own }
            return onlyDown ? min(own, other) : other
        }
        /// 0 means no limit: the largest of all.
        func pickOrNone<Number: BinaryInteger>(_ own: Number, _ other: Number?) -> Number {
            guard let other, onlyDown, own > 0 else { return other ?? own }
            return other > 0 ? min(own, other) : own
        }
        messageBytes = pick(messageBytes, overrides.messageBytes)
        commandsInFlight = pick(commandsInFlight, overrides.commandsInFlight)
        unsentBytes = pick(unsentBytes, overrides.unsentBytes)
        subscriptions = pick(subscriptions, overrides.subscriptions)
        commandsPerSecond = pickOrNone(commandsPerSecond, overrides.commandsPerSecond)
        recordBytes = pickOrNone(recordBytes, overrides.recordBytes)
        produceBytesPerSecond = pickOrNone(
            produceBytesPerSecond, overrides.produceBytesPerSecond)
        produceRecordsPerSecond = pickOrNone(
            produceRecordsPerSecond, overrides.produceRecordsPerSecond)
        produceBytesInFlight = pick(produceBytesInFlight, overrides.produceBytesInFlight)
        messageMilliseconds = pickOrNone(messageMilliseconds, overrides.messageMilliseconds)
        idleMilliseconds = pickOrNone(idleMilliseconds, overrides.idleMilliseconds)
    }
}
