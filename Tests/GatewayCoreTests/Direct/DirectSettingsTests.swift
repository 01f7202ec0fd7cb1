import GatewayCore
import KafkaCore
import Testing

/// The configuration of the host's own Kafka clients.
@Suite struct DirectSettingsTests {
    private func parse(_ text: String) throws -> DirectSource {
        try text.withRawBytes { try DirectSource.parse($0, clientID: "gateway") }
    }

    private func own(_ text: String) throws -> DirectSettings {
        guard case .own(let settings) = try parse(text) else { throw Rig.Missing() }
        return settings
    }

    @Test func route() throws {
        #expect(try parse(#"{"route":"k"}"#) == .route("k"))
    }

    @Test("a client's settings equal those of a route with the same keys")
    func asARoute() throws {
        let plugins = #""plugins":{"kafka-proxy":{"sasl":{"username":"u","password":"p"}}}"#
        let pubsub =
            #""pubsub":{"isolation":"read_committed","client_id":"c","#
            + #""fetch":{"default_bytes":5000},"retry":{"backoff_ms":500},"#
            + #""metadata_max_age_ms":5000,"rack":"a","version":"3.9"}"#
        let upstream = #""nodes":{"a:1":1},"tls":{"verify":false},"timeout":{"connect":3}"#
        let parts = #""upstream":{"scheme":"kafka",\#(upstream)},\#(plugins),\#(pubsub)"#
        let table = try RouteTable.of(#"{"id":"r","uri":"/r",\#(parts)}"#)
        let wanted = DirectSettings(try #require(table.route(id: "r")))
        #expect(try own("{\(upstream),\(plugins),\(pubsub)}") == wanted)
        #expect(try own("{\(parts)}") == wanted)
    }

    @Test func smallest() throws {
        let settings = try own(#"{"nodes":"a,b:9093"}"#)
        #expect(
            settings.cluster.bootstrap == [
                Endpoint(host: "a", port: 9092), Endpoint(host: "b", port: 9093),
            ])
        #expect(settings.cluster.clientID == "gateway" && settings.cluster.tls == nil)
        #expect(settings.isolation == .readUncommitted)
    }

    @Test(
        "what is wrong is told with key and place",
        arguments: [
            ("", ""), ("[]", ""), ("{}", ""), (#"{"route":1}"#, "route"),
            (#"{"route":"k","nodes":"a"}"#, "nodes"), (#"{"nodes":{}}"#, "nodes"),
            (#"{"nodes":"a","node":1}"#, "node"), (#"{"nodes":"a","upstream":{}}"#, "upstream"),
            (#"{"nodes":"a","plugins":{"key-auth":{}}}"#, "plugins.key-auth"),
            (#"{"nodes":"a","pubsub":{"commands":[]}}"#, "pubsub.commands"),
            (#"{"nodes":"a","pubsub":{"isolation":"all"}}"#, "pubsub.isolation"),
            (#"{"upstream":{"scheme":"redis"}}"#, "upstream.scheme"),
            (#"{"nodes":"a","tls":{"client_cert":"x"}}"#, "tls.client_cert"),
        ])
    func refused(_ text: String, _ key: String) {
        do {
            _ = try parse(text)
            Issue.record("taken: \(text)")
        } catch let error as ConfigurationError {
            #expect(error.key == key, "\(text): \(error)")
        } catch { Issue.record("\(error)") }
    }

    @Test(
        "options of a subscription",
        arguments: [
            (#"{"max_bytes":5,"queue_bytes":6}"#, true), ("{}", true), ("", false), ("[]", false),
            (#"{"max_bytes":0}"#, false), (#"{"max_byte":5}"#, false),
            (#"{"queue_bytes":"5"}"#, false),
        ])
    func options(_ text: String, _ isValid: Bool) {
        var subscribe = DirectSubscribe(topic: "t", partition: 0, start: .latest)
        let result = Result { try text.withRawBytes { try subscribe.readOptions($0) } }
        let isTaken = (try? result.get()) != nil
        #expect(isTaken == isValid, "\(text)")
        if text.contains(":6") { #expect(subscribe.maxBytes == 5 && subscribe.queueBytes == 6) }
    }
}
