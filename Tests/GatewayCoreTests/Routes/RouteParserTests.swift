import GatewayCore
import KafkaCore
import Testing

/// A route around the part under test.
private func route(
    _ more: String = "", upstream: String = #""nodes":{"kafka:9092":1},"scheme":"kafka""#
) -> String {
    let more = more.isEmpty ? "" : ",\(more)"
    return #"{"id":"r","uri":"/kafka","upstream":{\#(upstream)}\#(more)}"#
}

private func parsed(_ text: String) throws -> Route {
    let table = try RouteTable.of(text)
    return try #require(table.route(id: "r"))
}

private let schemeRule = #"expected a letter of a-z, then up to 31 of a-z, 0-9, "+", "-", ".""#

@Suite struct RouteParserTests {
    @Test("the documents' smallest route")
    func smallest() throws {
        let route = try parsed(
            """
            {"id":"r", "uri": "/kafka", "upstream": {
              "nodes": {"kafka-server1:9092": 1, "kafka-server2:9093": 1},
              "type": "none", "scheme": "kafka"}}
            """)
        #expect(
            route.cluster?.bootstrap == [
                Endpoint(host: "kafka-server1", port: 9092),
                Endpoint(host: "kafka-server2", port: 9093),
            ])
        #expect(route.cluster?.tls == nil)
        #expect(route.cluster?.sasl == nil)
        #expect(route.policy == RoutePolicy())
    }

    @Test("the dashboard's upstream and route, joined by upstream_id")
    func dashboard() throws {
        var table = RouteTable()
        let notes = try table.put(
            upstream: """
                {"nodes": [{"host": "10.1.0.1", "port": 9092, "weight": 1},
                           {"host": "10.1.0.2", "port": 9093, "weight": 1}],
                 "timeout": {"connect": 6, "send": 60, "read": 60},
                 "type": "roundrobin", "scheme": "kafka", "pass_host": "pass",
                 "name": "kafka test", "desc": "test Kafka pull msg",
                 "keepalive_pool": {"idle_timeout": 60, "requests": 1000, "size": 320}}
                """, id: "479987480301404864")
        #expect(
            notes == [
                "type: has no effect here", "keepalive_pool: has no effect here",
                "pass_host: has no effect here",
            ])
        try table.put(
            route: """
                {"uri": "/kafka/websocket", "name": "ws-kafka",
                 "methods": ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS",
                             "CONNECT", "TRACE", "PURGE"],
                 "upstream_id": "479987480301404864", "enable_websocket": true, "status": 1}
                """, id: "ws")
        let route = try #require(table.match(host: "any", path: "/kafka/websocket"))
        #expect(route.cluster?.bootstrap.map(\.port) == [9092, 9093])
        #expect(route.cluster?.connectTimeoutMilliseconds == 6_000)
        #expect(route.cluster?.requestTimeoutMilliseconds == 60_000)
    }

    @Test("nodes as hash, as list, as the connector document's string")
    func nodes() throws {
        let wanted = [Endpoint(host: "a", port: 9092), Endpoint(host: "::1", port: 1234)]
        for nodes in [
            #"{"a:9092":1,"[::1]:1234":0}"#, #""a, [::1]:1234""#,
            #"[{"host":"a","weight":1},{"host":"::1","port":1234,"weight":1,"priority":0}]"#,
        ] {
            let text = route(upstream: #""scheme":"kafka","nodes":\#(nodes)"#)
            #expect(try parsed(text).cluster?.bootstrap == wanted, "\(nodes)")
        }
    }

    @Test(arguments: [
        (#""scheme":"kafka","nodes":{}"#, "upstream.nodes", "at least one broker is needed"),
        (#""scheme":"kafka""#, "upstream", #"property "nodes" is required"#),
        (
            #""scheme":"kafka","nodes":{"a:b":1}"#, "upstream.nodes",
            #"not a broker's host:port: "a:b""#
        ),
        (
            #""scheme":"kafka","nodes":{"a:0":1}"#, "upstream.nodes",
            #"not a broker's host:port: "a:0""#
        ),
        (
            #""scheme":"kafka","nodes":{"a:1":-1}"#, "upstream.nodes.a:1",
            "expected 0 to 2147483647, got -1"
        ),
        (
            #""scheme":"kafka","nodes":{"a:1":"1"}"#, "upstream.nodes.a:1",
            "wrong type: expected integer, got string"
        ),
        (
            #""scheme":"kafka","nodes":{"a:1":null}"#, "upstream.nodes.a:1",
            "expected a weight of 0 or more, got null"
        ),
        (
            #""scheme":"kafka","nodes":[{"host":"a","weight":0.5}]"#, "upstream.nodes[0].weight",
            "wrong type: expected integer, got number"
        ),
        (
            #""scheme":"kafka","nodes":"a:1","type":1"#, "upstream.type",
            "wrong type: expected string, got number"
        ),
        (
            #""scheme":"Http","nodes":{"a:1":1}"#, "upstream.scheme",
            #""Http": \#(schemeRule)"#
        ),
        (
            #""scheme":"kafka","nodes":{"a:1":1},"service_name":"x""#, "upstream.service_name",
            "service discovery is not supported: list the brokers in nodes"
        ),
        (
            #""scheme":"kafka","nodes":{"a:1":1},"tls":{"client_cert_id":"1"}"#,
            "upstream.tls.client_cert_id",
            "there are no SSL objects here: give client_cert and client_key"
        ),
        (
            #""scheme":"kafka","nodes":{"a:1":1},"tls":{"verify":"no"}"#, "upstream.tls.verify",
            "wrong type: expected boolean, got string"
        ),
        (
            #""scheme":"kafka","nodes":{"a:1":1},"tls":{"client_key":"-----BEGIN KEY-----"}"#,
            "upstream.tls", #"property "client_cert" is required"#
        ),
    ])
    func refusedUpstreams(_ upstream: String, _ key: String, _ reason: String) throws {
        let fault = try #require(RouteTable.fault(route(upstream: upstream)))
        #expect(fault.key == key)
        #expect(fault.reason == reason)
    }

    @Test("upstream5.t 1-3: no tls, tls {}, tls {verify: false} are accepted; {} verifies")
    func upstreamTLS() throws {
        func tls(_ more: String) throws -> TLSSettings? {
            try parsed(
                route(upstream: #""nodes":{"a:1":1},"scheme":"kafka"\#(more)"#)
            ).cluster?.tls
        }
        #expect(try tls("") == nil)
        #expect(try tls(#","tls":{}"#)?.verify == true)
        #expect(try tls(#","tls":{"verify":false}"#)?.verify == false)
    }

    @Test("min_version, ciphers and server_name of TLS are read strictly")
    func upstreamTLSWords() throws {
        func object(_ tls: String) -> String {
            route(upstream: #""nodes":"a:1","scheme":"kafka","tls":{\#(tls)}"#)
        }
        let tls = try parsed(
            object(#""min_version":"TLSv1.3","ciphers":"AESGCM","server_name":"b.example""#)
        ).cluster?.tls
        #expect(tls?.versionMin == .tls13 && tls?.ciphers == "AESGCM")
        #expect(try parsed(object("")).cluster?.tls?.versionMin == .tls12)
        let version = RouteTable.fault(object(#""min_version":"1.1""#))
        #expect(version?.key == "upstream.tls.min_version")
        #expect(version?.reason == #"expected TLSv1.2 or TLSv1.3, got "1.1""#)
        for name in ["", "a b", "https://b"] {
            let fault = RouteTable.fault(object(#""server_name":"\#(name)""#))
            #expect(fault?.key == "upstream.tls.server_name")
        }
    }

    @Test("what is said of certificates by whom can read them has key and place, as error or note")
    func tlsFindings() throws {
        let pem = "-----BEGIN CERTIFICATE-----"
        let text = """
            {"uri":"/k","id":"r","upstream":{"scheme":"kafka","nodes":"a:1","tls":{
             "client_cert":"\(pem)",
              "client_key":"\(pem)"}}}
            """
        let upstream = """
            {"scheme":"kafka","nodes":"a:1",
             "tls":{"ca":"\(pem)"}}
            """
        var table = RouteTable()
        let fault = #expect(throws: ConfigurationError.self) {
            try text.withRawBytes {
                _ = try table.put(
                    route: $0, id: nil, hostPlugins: [], clientID: "c",
                    tls: { settings throws(TLSFinding) in
                        throw TLSFinding(.clientKey, settings.clientKeyPEM ?? "")
                    })
            }
        }
        #expect(fault?.description == "line 3, column 16: upstream.tls.client_key: \(pem)")
        let expired: TLSCheck = { _ throws(TLSFinding) in [TLSFinding(.ca, "has expired")] }
        let notes = try upstream.withRawBytes {
            try table.put(upstream: $0, id: "u", tls: expired).notes
        }
        #expect(notes == ["tls.ca: has expired"])
        #expect(
            try text.withRawBytes {
                try RouteTable.check(route: $0, hostPlugins: nil, tls: expired)
            } == ["upstream.tls.ca: has expired"])
    }

    @Test("an unknown key is an error that names key, line and column")
    func unknownKey() throws {
        let fault = try #require(
            RouteTable.fault(
                """
                {"uri": "/kafka",
                 "upstream": {"nodes": "a:1", "scheme": "kafka"},
                 "pubsub": {"limits": {"sesions": 5}}}
                """))
        #expect(fault.key == "pubsub.limits.sesions")
        #expect(fault.line == 3)
        #expect(fault.column == 24)
        let text = "line 3, column 24: pubsub.limits.sesions: unknown key (known: message_bytes, "
        #expect(fault.description.hasPrefix(text))
    }

    @Test("a syntax error names line and column")
    func syntax() throws {
        let fault = try #require(RouteTable.fault("{\"uri\": \"/a\",\n  oops}"))
        #expect(fault.line == 2)
        #expect(fault.column == 3)
    }

    @Test("a plugin that nobody enforces is refused; one of the host's is noted")
    func plugins() throws {
        let text = route(#""plugins":{"key-auth":{"key":"s3cret"}}"#)
        let fault = try #require(RouteTable.fault(text))
        #expect(fault.key == "plugins.key-auth")
        #expect(fault.reason.hasPrefix("unknown plugin"))
        #expect(
            try RouteTable.check(text, hostPlugins: ["key-auth"]) == [
                "plugins.key-auth: enforced by the host"
            ])
        #expect(
            try RouteTable.check(text, hostPlugins: nil) == [
                "plugins.key-auth: refused unless host_plugins lists it"
            ])
    }

    @Test(arguments: ["vars", "filter_func", "remote_addrs", "service_id", "plugin_config_id"])
    func restrictionsAreNotIgnored(_ key: String) throws {
        let fault = try #require(RouteTable.fault(route("\"\(key)\":[\"x\"]")))
        #expect(fault.key == key)
    }

    @Test("known keys without a meaning are notes")
    func notes() throws {
        let notes = try RouteTable.check(
            route(
                #""enable_websocket":true,"name":"n","labels":{"a":"b"},"create_time":1"#,
                upstream: #""nodes":"a:1","scheme":"kafka","type":"none","retries":1"#))
        #expect(
            notes == [
                "upstream.retries: has no effect here", "enable_websocket: has no effect here",
            ])
    }

    @Test("the notes on an upstream object can be asked for; type none is the right one")
    func upstreamNotes() throws {
        let object = #"{"id":"u","nodes":"a:1","scheme":"kafka","type":"#
        #expect(try RouteTable.check(upstream: object + #""none"}"#) == [])
        #expect(
            try RouteTable.check(upstream: object + #""chash"}"#) == [
                "type: has no effect here"
            ])
        #expect(throws: ConfigurationError.self) { try RouteTable.check(upstream: "{}") }
    }

    @Test("methods have to allow GET")
    func methods() throws {
        #expect(RouteTable.fault(route(#""methods":["GET","POST"]"#)) == nil)
        #expect(RouteTable.fault(route(#""methods":["POST"]"#))?.key == "methods")
    }

    @Test("the whole pubsub object")
    func policy() throws {
        let route = try parsed(
            route(
                """
                "pubsub": {
                  "commands": ["ping", "fetch"],
                  "topics": {"allow": ["a*"], "deny": ["__*", "ab*"]},
                  "origins": ["https://example.com"],
                  "isolation": "read_committed", "client_id": "mine",
                  "fetch": {"min_bytes": 2, "default_bytes": 3000, "max_bytes": 4000,
                            "max_wait_ms": 300, "batch_bytes": 5000},
                  "retry": {"backoff_ms": 500}, "request_timeout_ms": 7000,
                  "metadata_max_age_ms": 8000, "rack": "eu-1a", "version": "2.8.1",
                  "limits": {"message_bytes": 10, "commands_in_flight": 11, "unsent_bytes": 12,
                    "sessions": 13, "sessions_per_address": 14, "handshake_ms": 15,
                    "idle_ms": 16, "subscriptions": 17, "message_ms": 20,
                    "commands_per_second": 21},
                  "ping": {"interval_ms": 18, "timeout_ms": 19}, "compression": true}
                """))
        let policy = route.policy
        #expect(policy.commands == [.ping, .fetch])
        #expect(policy.topics.allows("aa") && !policy.topics.allows("abc"))
        #expect(policy.isolation == .readCommitted)
        #expect(policy.fetch.minBytes == 2 && policy.fetch.defaultBytes == 3000)
        #expect(policy.fetch.maxBytes == 4000 && policy.fetch.maxWaitMilliseconds == 300)
        #expect(policy.fetch.batchBytes == 5000 && route.cluster?.batchBytesMax == 5000)
        #expect(policy.limits.messageBytes == 10 && policy.limits.commandsInFlight == 11)
        #expect(policy.limits.unsentBytes == 12 && policy.limits.sessions == 13)
        #expect(policy.limits.sessionsPerAddress == 14 && policy.limits.subscriptions == 17)
        #expect(policy.limits.handshakeMilliseconds == 15 && policy.limits.idleMilliseconds == 16)
        #expect(policy.limits.messageMilliseconds == 20 && policy.limits.commandsPerSecond == 21)
        #expect(policy.keepalive.intervalMilliseconds == 18)
        #expect(policy.keepalive.timeoutMilliseconds == 19)
        #expect(policy.compression)
        #expect(route.cluster?.clientID == "mine")
        #expect(route.cluster?.requestTimeoutMilliseconds == 7000)
        #expect(route.cluster?.retryBackoffMaxMilliseconds == 500)
        #expect(route.cluster?.metadataMaxAgeMilliseconds == 8000)
        #expect(route.cluster?.rack == "eu-1a" && route.cluster?.release == KafkaRelease("2.8"))
    }

    @Test("the largest fetch in MiB, as the connector's document has it; its 0 is noted")
    func largestFetch() throws {
        let large = try parsed(route(#""pubsub":{"fetch":{"max_mb":3}}"#))
        #expect(large.policy.fetch.maxBytes == 3 << 20)
        var table = RouteTable()
        let notes = try table.put(
            route: #"{"uri":"/k","upstream":{"scheme":"kafka","nodes":"a"},"#
                + #""pubsub":{"fetch":{"max_mb":0}}}"#, id: "k")
        #expect(
            notes == [
                "pubsub.fetch.max_mb: 0, for no limit, leaves it at 8388608 bytes"
            ])
    }

    @Test(arguments: [
        (#"{"commands":["fly"]}"#, "pubsub.commands"),
        (#"{"isolation":"dirty"}"#, "pubsub.isolation"),
        (#"{"origins":["http://*"]}"#, "pubsub.origins"),
        (#"{"fetch":{"default_bytes":9000000}}"#, "pubsub.fetch.default_bytes"),
        (#"{"limits":{"message_bytes":0}}"#, "pubsub.limits.message_bytes"),
        (#"{"limits":{"commands_per_second":-1}}"#, "pubsub.limits.commands_per_second"),
        (#"{"limits":{"message_ms":"1"}}"#, "pubsub.limits.message_ms"),
        (#"{"metadata_max_age_ms":999}"#, "pubsub.metadata_max_age_ms"),
        (#"{"metadata_max_age_ms":86400001}"#, "pubsub.metadata_max_age_ms"),
        (#"{"fetch":{"max_mb":1,"max_bytes":5}}"#, "pubsub.fetch.max_mb"),
        (#"{"fetch":{"max_mb":1025}}"#, "pubsub.fetch.max_mb"),
        (#"{"rack":""}"#, "pubsub.rack"),
        (#"{"version":"1.0"}"#, "pubsub.version"),
        (#"{"version":"2"}"#, "pubsub.version"),
        (#"{"version":"2.x"}"#, "pubsub.version"),
        (#"{"version":"2.8."}"#, "pubsub.version"),
        (#"{"client_id":""}"#, "pubsub.client_id"),
        (#"{"client_id":"caf\u00e9"}"#, "pubsub.client_id"),
        (#"{"limits":{"message_bytes":1.5}}"#, "pubsub.limits.message_bytes"),
        (#"{"limits":{"sessions":99999999999999999999}}"#, "pubsub.limits.sessions"),
        (#"{"ping":{"timeout_ms":0}}"#, "pubsub.ping.timeout_ms"),
        (#"{"topics":{"allow":"a"}}"#, "pubsub.topics.allow"),
        (#"{"topics":[]}"#, "pubsub.topics"),
        (#"[]"#, "pubsub"),
    ])
    func refusedPolicies(_ pubsub: String, _ key: String) throws {
        let fault = try #require(RouteTable.fault(route("\"pubsub\":\(pubsub)")))
        #expect(fault.key == key)
        #expect(fault.line == 1 && fault.column > 1)
    }

    @Test("secrets never show: not in the list, not in errors, not in descriptions")
    func masks() throws {
        var table = RouteTable()
        try table.put(
            route: """
                {"uri":"/k","plugins":{
                   "kafka-proxy":{"sasl":{"username":"user","password":"hunter2"},
                                  "sasl_password":"hunter3"},
                   "jwt-auth":{"secret":"hunter4"}},
                 "upstream":{"nodes":"a:1","scheme":"kafka","tls":{
                   "client_cert":"-----BEGIN CERTIFICATE-----",
                   "client_key":"-----BEGIN hunter5-----"}}}
                """, id: "k", hostPlugins: ["jwt-auth"])
        try table.put(
            upstream: """
                {"nodes":"a:1","scheme":"kafka","tls":{
                   "client_cert":"-----BEGIN CERTIFICATE-----",
                   "client_key":"-----BEGIN hunter6-----"}}
                """, id: "u")
        let route = try #require(table.route(id: "k"))
        for text in [table.json, "\(route.cluster!.sasl!)"] { #expect(!text.contains("hunter")) }
        #expect(
            table.json.hasPrefix(
                #"{"routes":[{"id":"k","uri":"/k","plugins":{"kafka-proxy":{"sasl":"#
                    + #"{"username":"user","password":"***"},"sasl_password":"***"},"#
                    + #""jwt-auth":"***"}"#))
    }
}
