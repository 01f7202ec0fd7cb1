import GatewayCore
import KafkaCore
import SASL
import Testing

/// Both shapes of the plugin's documents, and the original's own tests of it.
@Suite struct KafkaProxyPluginTests {
    private func route(_ plugin: String, tls: String = "") -> String {
        #"{"id":"r","uri":"/k","plugins":{"kafka-proxy":\#(plugin)},"#
            + #""upstream":{"nodes":{"a:1":1},"type":"none","scheme":"kafka"\#(tls)}}"#
    }

    private func cluster(_ plugin: String, tls: String = "") throws -> ClusterSettings {
        let table = try RouteTable.of(route(plugin, tls: tls))
        return try #require(table.route(id: "r")?.cluster)
    }

    @Test(
        "kafka-proxy.t 1",
        arguments: [
            ("{}", nil),
            (#"{"sasl":{"username":"user","password":"pwd"}}"#, nil),
            (
                #"{"sasl":{"username":"user"}}"#,
                #"property "sasl" validation failed: property "password" is required"#
            ),
            (
                #"{"sasl":{"username":"user","password":1234}}"#,
                #"property "sasl" validation failed: property "password" validation failed: "#
                    + "wrong type: expected string, got number"
            ),
        ] as [(String, String?)])
    func original(_ plugin: String, _ reason: String?) {
        #expect(RouteTable.fault(route(plugin))?.reason == reason)
    }

    @Test("the nested shape")
    func nested() throws {
        let sasl = try cluster(#"{"sasl":{"username":"user","password":"pwd"}}"#).sasl
        #expect(sasl?.mechanism == .plain)
        #expect(sasl == SASLCredentials(mechanism: .plain, username: "user", password: "pwd"))
    }

    @Test(
        "mechanisms",
        arguments: ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
    func mechanisms(_ name: String) throws {
        let sasl = try cluster(
            #"{"sasl":{"mechanism":"\#(name)","username":"user","password":"pwd"}}"#
        ).sasl
        #expect(sasl?.mechanism.rawValue == name)
    }

    @Test func unknownMechanism() throws {
        let fault = try #require(
            RouteTable.fault(
                route(#"{"sasl":{"mechanism":"CRAM-MD5","username":"u","password":"p"}}"#)))
        #expect(fault.key == "plugins.kafka-proxy.sasl.mechanism")
        #expect(
            fault.reason.hasSuffix(
                "expected one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, GSSAPI, "
                    + "got \"CRAM-MD5\""
            ))
    }

    @Test("the flat shape of the first documents")
    func flat() throws {
        let cluster = try cluster(
            """
            {"enable_tls":true,"ssl_verify":true,"enable_sasl":true,
             "sasl_username":"user","sasl_password":"pwd"}
            """)
        #expect(cluster.tls?.verify == true)
        #expect(
            cluster.sasl == SASLCredentials(mechanism: .plain, username: "user", password: "pwd"))
    }

    @Test("flat keys count where the nested ones and upstream.tls are silent")
    func precedence() throws {
        #expect(try cluster(#"{"enable_tls":true}"#).tls?.verify == true)
        #expect(try cluster(#"{"enable_tls":true,"ssl_verify":false}"#).tls?.verify == false)
        #expect(try cluster(#"{"enable_tls":false}"#).tls == nil)
        #expect(try cluster(#"{"enable_tls":false}"#, tls: #","tls":{}"#).tls?.verify == true)
        #expect(try cluster(#"{"ssl_verify":false}"#, tls: #","tls":{}"#).tls?.verify == false)
        let both = #","tls":{"verify":true}"#
        #expect(try cluster(#"{"ssl_verify":false}"#, tls: both).tls?.verify == true)
        let mixed = try cluster(
            """
            {"sasl":{"username":"nested","password":"n"},
             "enable_sasl":true,"sasl_username":"flat","sasl_password":"f"}
            """)
        #expect(
            mixed.sasl == SASLCredentials(mechanism: .plain, username: "nested", password: "n"))
    }

    @Test("flat credentials need enable_sasl, and enable_sasl needs them")
    func flatHalves() throws {
        #expect(try cluster(#"{"sasl_username":"u","sasl_password":"p"}"#).sasl == nil)
        #expect(
            RouteTable.fault(route(#"{"enable_sasl":true,"sasl_username":"u"}"#))?.reason
                == #"property "sasl_password" is required"#)
    }

    @Test func disabled() throws {
        let plugin = #"{"_meta":{"disable":true},"sasl":{"username":"u","password":"p"}}"#
        #expect(try cluster(plugin).sasl == nil)
    }
}
