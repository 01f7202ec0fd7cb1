import Testing

@testable import GatewayCore

@Suite struct AccessTests {
    @Test(arguments: [
        ("*", "anything", true), ("*", "", true), ("", "", true), ("", "a", false),
        ("a*", "a", true), ("a*", "ab", true), ("a*", "ba", false), ("*a", "ba", true),
        ("*a", "ab", false), ("a*c", "abbbc", true), ("a*c", "abbbcd", false),
        ("a*b*c", "a-b-b-c", true), ("a?c", "abc", true), ("a?c", "ac", false),
        ("orders.*", "orders", false), ("orders.*", "orders.eu", true), ("__*", "__x", true),
        ("__*", "_x", false), ("*x*x*", "axbxc", true), ("*x*x*", "axb", false),
    ])
    func globs(_ pattern: String, _ name: String, _ matches: Bool) {
        #expect(Glob(pattern).matches(name) == matches)
    }

    @Test("a hostile pattern costs the product of the lengths, not more")
    func hostileGlob() {
        let glob = Glob(String(repeating: "a*", count: 100) + "b")
        #expect(!glob.matches(String(repeating: "a", count: 5_000)))
    }

    @Test func denyWins() {
        let access = TopicAccess(allow: [Glob("a*")], deny: [Glob("ab*")])
        #expect(access.allows("aa"))
        #expect(!access.allows("ab"))
        #expect(!access.allows("b"))
        #expect(!TopicAccess.standard.allows("__consumer_offsets"))
    }

    @Test("internal topics are refused unless an entry of allow begins as they do")
    func internalTopics() {
        func allows(_ allow: [String], _ deny: [String] = []) -> Bool {
            TopicAccess(allow: allow.map(Glob.init), deny: deny.map(Glob.init))
                .allows("__consumer_offsets")
        }
        #expect(!allows(["*"]) && !allows(["*"], ["secret*"]) && !allows(["*s"]))
        #expect(!allows(["?_consumer_offsets"]) && !allows(["_*"]))
        #expect(allows(["__consumer_offsets"]) && allows(["orders", "__*"], ["secret*"]))
        #expect(!allows(["__consumer_offsets"], ["__*"]) && !allows(["__transaction*"]))
        #expect(!TopicAccess.standard.allows("__x") && TopicAccess.standard.allows("_x"))
    }

    @Test("a session's policy opens an internal topic only beside its route")
    func internalTopicsOfSessions() throws {
        func allows(_ route: String, _ session: String) throws -> Bool {
            var policy = RoutePolicy()
            policy.topics = TopicAccess(allow: [Glob(route)], deny: [])
            let narrower = try session.withRawBytes { try SessionPolicy.parse($0) }
            return SessionAccess(policy, narrower).allows(topic: "__consumer_offsets")
        }
        #expect(try !allows("*", #"{"topics":{"allow":["__consumer_offsets"]}}"#))
        #expect(try !allows("__*", #"{"topics":{"allow":["*"]}}"#))
        #expect(try allows("__*", #"{"topics":{"allow":["__consumer_offsets"]}}"#))
        #expect(try allows("__*", #"{"topics":{"deny":["secret"]}}"#))
        #expect(try allows("__*", "{}"))
    }

    @Test(
        "a pattern that can match no topic is an error, of a session's policy too",
        arguments: [
            "", "{a,b}", "[s]ecret", "a b", "a/b", "^a$", "caf\u{e9}", ".", "..",
            String(repeating: "a", count: 250), "*" + String(repeating: "?", count: 250),
        ])
    func impossiblePatterns(_ pattern: String) throws {
        for key in ["allow", "deny"] {
            let text = "{\"topics\":\n{\"\(key)\":[\"ok*\",\"\(pattern)\"]}}"
            let fault = #expect(throws: ConfigurationError.self) {
                try text.withRawBytes { _ = try SessionPolicy.parse($0) }
            }
            #expect(fault?.key == "topics.\(key)" && fault?.line == 2)
            #expect(fault?.reason.hasPrefix("\"\(pattern)\" can match no topic") == true)
        }
    }

    @Test(arguments: [
        "*", "?", "**", ".*", "...", "a-_.Z9", String(repeating: "a", count: 249),
        "*" + String(repeating: "a", count: 249) + "*",
    ])
    func possiblePatterns(_ pattern: String) throws {
        let text = #"{"topics":{"allow":["\#(pattern)"]}}"#
        #expect(try text.withRawBytes { try SessionPolicy.parse($0) }.topics != nil)
    }

    @Test("a name that only Unicode takes for a denied one does not get around the rule")
    func illegalNames() {
        let access = TopicAccess(allow: [Glob("*")], deny: [Glob("KPI*")])
        let kelvin = "\u{212a}PI-sales"
        #expect(kelvin == "KPI-sales")
        #expect(!access.allows(kelvin) && !access.allows("a/b") && !access.allows(""))
    }

    @Test("a session's policy is read strictly")
    func policies() throws {
        func parse(_ text: String) throws -> SessionPolicy {
            try text.withRawBytes { try SessionPolicy.parse($0) }
        }
        let policy = try parse(
            """
            {"commands":["fetch"],"topics":{"allow":["a"]},"limits":{"idle_ms":5},
             "principal":"bob","trace":"t-1"}
            """)
        #expect(policy.commands == [.fetch])
        #expect(policy.topics?.allows("a") == true && policy.topics?.allows("b") == false)
        #expect(policy.limits.idleMilliseconds == 5)
        #expect(policy.principal == "bob" && policy.trace == "t-1")
        #expect(throws: ConfigurationError.self) { try parse(#"{"topic":"a"}"#) }
        #expect(throws: ConfigurationError.self) { try parse(#"{"commands":["all"]}"#) }
        #expect(throws: ConfigurationError.self) { try parse("null") }
    }

    @Test func settings() throws {
        func parse(_ text: String) throws -> GatewaySettings {
            try text.withRawBytes { try GatewaySettings.parse($0) }
        }
        let settings = try parse(
            """
            {"threads":2,"cache_bytes":1048576,"host_plugins":["key-auth"],"client_id":"c",
             "limits":{"sessions":10,"sessions_per_address":3}}
            """)
        #expect(settings.threads == 2 && settings.cacheBytes == GatewaySettings.cacheBytesMin)
        #expect(settings.hostPlugins == ["key-auth"] && settings.clientID == "c")
        #expect(settings.sessionsMax == 10 && settings.sessionsPerAddressMax == 3)
        #expect(try parse("{}").threads == 1)
        #expect(throws: ConfigurationError.self) { try parse(#"{"threads":0}"#) }
        #expect(throws: ConfigurationError.self) { try parse(#"{"thread":1}"#) }
    }

    @Test(arguments: ["", "tab\\t", "caf\u{e9}", "line\\n", String(repeating: "x", count: 250)])
    func clientIDs(_ id: String) throws {
        let text = "{\"threads\": 1,\n  \"client_id\": \"\(id)\"}"
        let fault = #expect(throws: ConfigurationError.self) {
            try text.withRawBytes { _ = try GatewaySettings.parse($0) }
        }
        #expect(fault?.key == "client_id")
        #expect(fault?.line == 2 && fault?.column == 16)
        #expect(fault?.reason == "expected 1 to 249 printable ASCII characters")
    }

    @Test(arguments: ["p", "gateway 1 ~!", String(repeating: "x", count: 249)])
    func goodClientIDs(_ id: String) throws {
        let text = "{\"client_id\":\"\(id)\"}"
        let settings = try text.withRawBytes { try GatewaySettings.parse($0) }
        #expect(settings.clientID == id)
    }
}
