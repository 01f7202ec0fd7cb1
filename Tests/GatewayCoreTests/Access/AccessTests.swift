import GatewayCore
import Testing

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
        #expect(settings.threads == 2 && settings.cacheBytes == 1 << 20)
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
