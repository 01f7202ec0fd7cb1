import PubSubProtocol
import Testing

@testable import GatewayCore

private func policy(_ text: String) throws -> SessionPolicy {
    try text.withRawBytes { try SessionPolicy.parse($0) }
}

private func header(_ name: String, _ value: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendRecordHeader(key: Array(name.utf8), value: Array(value.utf8))
    return bytes
}

/// What a session may produce: its route's rules, narrowed by the host's.
@Suite struct ProduceAccessTests {
    @Test("a session's policy narrows what may be produced, and cannot widen it")
    func topics() throws {
        func allows(_ route: String, _ session: String?, _ topic: String) throws -> Bool {
            var rules = RoutePolicy()
            rules.produce.topics = TopicAccess(allow: [Glob(route)], deny: [])
            return SessionAccess(rules, try session.map(policy)).produces(to: topic)
        }
        #expect(try allows("a*", nil, "ab") && !allows("a*", nil, "b"))
        #expect(try allows("a*", #"{"topics":{"produce":{"allow":["ab","b"]}}}"#, "ab"))
        #expect(try !allows("a*", #"{"topics":{"produce":{"allow":["ab","b"]}}}"#, "b"))
        #expect(try !allows("a*", #"{"topics":{"produce":{"deny":["ab"]}}}"#, "ab"))
        // What may be read says nothing of it.
        #expect(try allows("a*", #"{"topics":{"allow":["b"]}}"#, "ab"))
        #expect(try !allows("*", #"{"topics":{"produce":{"allow":["__x"]}}}"#, "__x"))
        #expect(try allows("__x", #"{"topics":{"produce":{"allow":["*","__*"]}}}"#, "__x"))
        #expect(try allows("__x", "{}", "__x"))
        // The Kelvin sign: a name that no broker has.
        #expect(try !allows("*", nil, "\u{212a}"))
    }

    @Test("the smaller limit counts, and none is the largest")
    func limits() throws {
        var route = RoutePolicy()
        route.limits.produceBytesPerSecond = 100
        let access = SessionAccess(
            route,
            try policy(
                #"{"limits":{"produce_bytes_per_second":200,"produce_records_per_second":5,"#
                    + #""record_bytes":9,"produce_bytes_in_flight":7}}"#))
        #expect(access.limits.produceBytesPerSecond == 100)
        #expect(access.limits.produceRecordsPerSecond == 5 && access.limits.recordBytes == 9)
        #expect(access.limits.produceBytesInFlight == 7)
    }

    @Test("headers of the route and of the session, and who the session is")
    func headers() throws {
        let route = [
            AddedHeader("app", .text("web")), AddedHeader("who", .principal),
            AddedHeader("trace", .trace),
        ]
        let nobody = AddedHeaders(route, principal: nil, trace: nil)
        #expect(nobody.bytes == header("app", "web") && nobody.count == 1)
        let bob = try policy(#"{"principal":"bob","headers":{"app":"own","tenant":"$principal"}}"#)
        let added = AddedHeaders(
            route, own: bob.headers, principal: bob.principal, trace: bob.trace)
        #expect(
            added.bytes == header("who", "bob") + header("app", "own") + header("tenant", "bob"))
        #expect(added.count == 3)
    }

    @Test("no client sends a header by the name of one that is added, or would be")
    func forged() {
        func isForged(_ names: String...) -> Bool {
            let added = AddedHeaders([AddedHeader("who", .principal)], principal: nil, trace: nil)
            let bytes = names.flatMap { header($0, "x") }
            return bytes.withUnsafeBytes { added.isForged($0, count: names.count) }
        }
        #expect(isForged("who") && isForged("a", "who") && !isForged("Who", "whoo") && !isForged())
    }
}
