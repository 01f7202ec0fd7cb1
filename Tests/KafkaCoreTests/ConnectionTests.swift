import Bytes
import DevBroker
import KafkaMirror
import KafkaProtocol
import SASL
import Testing
import Timing

@testable import KafkaCore

@Suite struct ConnectionTests {
    private func readable(_ world: World) throws -> Bool {
        try world.offsets(world.outcome(world.read("t", at: 0)))?.first == 0
    }

    private func filled(
        brokers: Int = 1, seed: UInt64 = 1, limits: KafkaLimits = KafkaLimits(),
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) throws -> World {
        let world = World(brokers: brokers, seed: seed, limits: limits, adjust)
        world.server.createTopic("t")
        try world.fill("t", 0, 10)
        return world
    }

    // MARK: Versions

    @Test(
        "Every release of Kafka is spoken to in versions that it has",
        arguments: BrokerProfile.allCases)
    func releases(_ profile: BrokerProfile) throws {
        let world = try filled { server, _ in server.profile = profile }
        #expect(try readable(world))
        let follower = world.read("t", at: 10, wait: .max)
        world.run(1_000)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(follower)) == [10])
        #expect(try world.offset(world.list("t", 0, -1))?.get().offset == 11)
    }

    @Test("The mock broker's malformed refusal of ApiVersions ends in version 0")
    func malformedRefusal() throws {
        let world = try filled()
        world.answer = { _, header, _ in
            guard header.apiKey == 18, header.apiVersion > 2 else { return nil }
            let body: [UInt8] = [0, 35, 1, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0]
            return .frame(Frames.raw(header, body))
        }
        #expect(try readable(world))
        #expect(world.requests.filter { $0.key == 18 }.map(\.version).prefix(2) == [4, 0])
    }

    @Test("KIP-511: the refusal names the version to use; a loop of refusals ends")
    func refusalWithRange() throws {
        let world = try filled()
        world.answer = { _, header, _ in
            guard header.apiKey == 18, header.apiVersion > 3 else { return nil }
            return .frame(Frames.raw(header, [0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 3]))
        }
        #expect(try readable(world))
        #expect(world.requests.filter { $0.key == 18 }.map(\.version).prefix(2) == [4, 3])
        let hostile = try filled()
        hostile.answer = { _, header, _ in
            guard header.apiKey == 18 else { return nil }
            return .frame(Frames.raw(header, [0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4]))
        }
        let failure = hostile.failure(hostile.outcome(hostile.read("t", at: 0)))
        #expect(failure?.text == "not found topic")
        #expect(failure?.cause.contains("UNSUPPORTED_VERSION") == true)
    }

    @Test("A server that resets unknown versions of ApiVersions is asked in version 0")
    func resets() throws {
        let world = try filled()
        world.answer = { _, header, _ in
            header.apiKey == 18 && header.apiVersion > 0 ? .reset : nil
        }
        #expect(try readable(world))
        #expect(world.requests.filter { $0.key == 18 }.map(\.version).prefix(3) == [4, 4, 0])
        #expect(world.now < Instant.zero.adding(milliseconds: 1_000))
    }

    // MARK: The stream

    @Test("Trap 30: another correlation id ends the connection, not the reads")
    func wrongCorrelation() throws {
        for key in [1, 2] as [Int16] {
            let world = try filled()
            world.server.inject(Fault(.wrongCorrelation, apiKey: key, times: 2))
            #expect(try readable(world))
            #expect(try world.offset(world.list("t", 0, -1))?.get().offset == 10)
            #expect(world.client.counters.connectionsLost == 2, "\(key)")
            #expect(world.client.counters.reconnects == 2, "\(key)")
            #expect(world.endings(key, .lost) == 2, "\(key)")
            #expect(world.areCounted)
        }
    }

    @Test("Trap 30: a request that is not answered in time ends its connection")
    func silence() throws {
        let world = try filled { _, client in client.requestTimeoutMilliseconds = 3_000 }
        #expect(try readable(world))
        world.server.inject(Fault(.silence, apiKey: 1, times: 1))
        let start = world.now
        let lost = world.outcome(world.read("t", at: 10))
        #expect(world.failure(lost)?.kind == .timedOut)
        #expect(world.failure(lost)?.text == "timeout")
        #expect(world.now.milliseconds(since: start) == 3_000)
        #expect(world.endings(1, .timedOut) == 1)
        #expect(world.areCounted)
        guard case .empty = world.outcome(world.read("t", at: 10)) else { throw MissingRecords() }
    }

    @Test("a frozen bootstrap node does not hold up the others")
    func frozenNodes() throws {
        let nodes = (9092...9094).map { Endpoint(host: "127.0.0.1", port: $0) }
        let world = World(brokers: 3, bootstrap: nodes)
        world.server.createTopic("t")
        // Two take the connection and say nothing, like stopped processes.
        var asked: [Int32] = []
        world.answer = { broker, header, _ in
            guard header.apiKey == 18 else { return nil }
            if !asked.contains(broker) { asked.append(broker) }
            return asked.firstIndex(of: broker) == 2 ? nil : .silence
        }
        let start = world.now
        #expect(try world.topics(world.metadata(["t"]))?.get().first?.failure == nil)
        #expect(asked.count == 3)
        #expect((500..<600).contains(world.now.milliseconds(since: start)))
        #expect(world.client.counters.connectionsLost == 0)
    }

    @Test("Trap 31: what is no Kafka response is refused before memory is taken, and named")
    func sizeGuard() throws {
        let cases: [([UInt8], String)] = [
            (Array("HTTP/1.1 400 Bad Request\r\n".utf8), "HTTP"),
            ([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28], "TLS"),
            ([0xff, 0xff, 0xff, 0xff, 0, 0], "-1 bytes"),
            ([0x7f, 0xff, 0xff, 0xff, 0, 0], "over the limit"),
            ([0, 0, 0, 2, 0, 0], "2 bytes"),
        ]
        for (bytes, expected) in cases {
            let world = try filled()
            world.answer = { _, header, _ in header.apiKey == 18 ? .raw(bytes) : nil }
            let failure = world.failure(world.outcome(world.read("t", at: 0)))
            #expect(failure?.text == "not found topic")
            #expect(failure?.cause.contains(expected) == true, "\(failure?.cause ?? "")")
        }
    }

    @Test("Trap 32: a listener that hangs up at the first request is explained")
    func firstReadEOF() throws {
        let plain = try filled()
        plain.answer = { _, header, _ in header.apiKey == 18 ? .end : nil }
        let first = plain.failure(plain.outcome(plain.read("t", at: 0)))
        #expect(first?.cause.contains("does the listener expect TLS?") == true)
        #expect(first?.text == "not found topic")
        let login = try filled()
        login.answer = { _, header, _ in header.apiKey == 3 ? .end : nil }
        let second = login.failure(login.outcome(login.read("t", at: 0)))
        #expect(second?.cause.contains("does the listener expect SASL?") == true)
        // In the middle of a response: the read goes on over another connection.
        let cut = try filled()
        cut.server.inject(Fault(.cut(bytes: 40), apiKey: 1, times: 2))
        #expect(try readable(cut))
    }

    @Test("Trap 33: idle connections are closed, and opened again for the next read")
    func idle() throws {
        let world = try filled()
        #expect(try readable(world))
        #expect(world.client.connectionCount > 0)
        world.run(29_000)
        #expect(world.client.connectionCount > 0)
        world.run(4_000)
        #expect(world.client.connectionCount == 0)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(world.read("t", at: 10))) == [10])
    }

    @Test("Trap 33: a broker that closes idle connections is no failure")
    func brokerClosesIdle() throws {
        let world = try filled()
        #expect(try readable(world))
        world.change { server, _ in server.closeConnections() }
        world.run(100)
        #expect(world.client.connectionCount == 0)
        let start = world.now
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(world.read("t", at: 10))) == [10])
        #expect(world.now.milliseconds(since: start) < 50)
    }

    @Test("Trap 34: every connection is verified against the name that is dialled")
    func tlsNames() throws {
        let tls = TLSSettings(verify: true, caPEM: "pem")
        let world = World(bootstrap: [Endpoint(host: "bootstrap.example", port: 9092)]) {
            $1.tls = tls
        }
        world.server.createTopic("t")
        world.server.advertise(.init(host: "one.example", port: 9092), broker: 1)
        try world.fill("t", 0, 10)
        #expect(try readable(world))
        #expect(world.connects.first?.endpoint.host == "bootstrap.example")
        #expect(world.connects.dropFirst().allSatisfy { $0.endpoint.host == "one.example" })
        #expect(world.connects.allSatisfy { $0.tls == tls })
    }

    @Test("Trap 38: a throttled connection sends nothing until its time, uncapped")
    func throttle() throws {
        let world = try filled { _, client in client.requestTimeoutMilliseconds = 200_000 }
        #expect(try readable(world))
        world.server.inject(Fault(.throttle(milliseconds: 90_000), apiKey: 1, times: 2))
        _ = world.outcome(world.read("t", at: 10))
        let next = world.read("t", at: 10)
        _ = world.outcome(next)
        let start = world.now
        let third = world.read("t", at: 10)
        #expect(world.outcome(third, within: 200_000) != nil)
        #expect(world.now.milliseconds(since: start) > 80_000)
        #expect(world.client.counters.connectionsLost == 0)
    }

    // MARK: Login

    private func secured(
        _ mechanism: SASLMechanism, password: String = "secret", lifetime: Int64 = 0
    ) throws -> World {
        try filled { server, client in
            server.users.add("ann", password: "secret")
            server.sessionLifetimeMilliseconds = lifetime
            client.sasl = SASLCredentials(
                mechanism: mechanism, username: "ann", password: password)
        }
    }

    @Test(arguments: SASLMechanism.ofPasswords)
    func logins(_ mechanism: SASLMechanism) throws {
        let world = try secured(mechanism)
        #expect(try readable(world))
        // One derivation serves all connections: the broker keeps the salt with the user.
        #expect(world.derivations <= (mechanism == .plain ? 0 : 2))
    }

    @Test(
        "Traps 36, 37: a refused login is told, and tried again with care",
        arguments: SASLMechanism.ofPasswords)
    func wrongPassword(_ mechanism: SASLMechanism) throws {
        let world = try secured(mechanism, password: "wrong")
        let tokens = (0..<1_000).map { _ in world.read("t", at: 0) }
        for token in tokens {
            let failure = world.failure(world.outcome(token))
            #expect(failure?.kind == .loginRefused)
            #expect(failure?.text == "not found topic")
            #expect(failure?.cause.contains("SASL_AUTHENTICATION_FAILED") == true)
            #expect(failure?.cause.contains("wrong") == false)
        }
        let start = world.now
        let before = world.connects.count
        while world.now.milliseconds(since: start) < 10_000 {
            _ = world.outcome(world.read("t", at: 0))
            world.run(10)
        }
        // At most one attempt a second, whoever asks.
        #expect(world.connects.count - before <= 11)
        #expect(before <= 2)
    }

    @Test("a listener that wants no login, or another one, is explained")
    func otherLogin() throws {
        let plain = try filled { _, client in
            client.sasl = SASLCredentials(mechanism: .plain, username: "ann", password: "secret")
        }
        let refused = plain.failure(plain.outcome(plain.read("t", at: 0)))
        #expect(refused?.kind == .loginRefused)
        #expect(refused?.cause.contains("does the listener expect no login?") == true)
        let other = try secured(.plain)
        other.answer = { _, header, _ in
            guard header.apiKey == SaslHandshakeRequest.apiKey else { return nil }
            let response = SaslHandshakeResponse(errorCode: 33, mechanisms: ["GSSAPI", "OTHER"])
            return .frame(
                Frames.response(header) { response.encode(&$0, version: header.apiVersion) })
        }
        let failure = other.failure(other.outcome(other.read("t", at: 0)))
        #expect(failure?.cause.contains("it offers GSSAPI, OTHER") == true)
    }

    @Test("Trap 36: a server that asks for too much work, or plays back our nonce, is refused")
    func hostileScram() throws {
        for message in [
            "r=NONCE,s=c2FsdA==,i=4096", "r=NONCEx,s=c2FsdA==,i=100000000", "m=x,r=NONCEx",
        ] {
            let world = try secured(.scramSHA256)
            world.client.links.nonces = NonceSource(fixed: Array("NONCE".utf8))
            world.answer = { _, header, _ in
                guard header.apiKey == 36 else { return nil }
                let response = SaslAuthenticateResponse(authBytes: Array(message.utf8))
                return .frame(
                    Frames.response(header) { response.encode(&$0, version: header.apiVersion) })
            }
            let failure = world.failure(world.outcome(world.read("t", at: 0)))
            #expect(failure?.kind == .loginRefused)
            #expect(world.derivations == 0)
        }
    }

    @Test("Trap 35: logins are renewed in place, with nothing else in flight")
    func reauthentication() throws {
        let world = try secured(.scramSHA512, lifetime: 10_000)
        #expect(try readable(world))
        let follower = world.read("t", at: 10, wait: .max)
        world.run(60_000)
        #expect(world.count(17) >= 6)
        #expect(world.client.counters.connectionsLost == 0)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(follower, within: 1_000)) == [10])
    }

    @Test("A lifetime of any size is a lifetime")
    func hostileLifetime() throws {
        let world = try secured(.plain, lifetime: .max)
        #expect(try readable(world))
        #expect(world.client.nextDeadline != nil)
    }
}
