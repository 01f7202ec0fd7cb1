import DevBroker
import KafkaProtocol
import Testing

@testable import KafkaCore

/// A cap on what is negotiated: `version` of a route.
@Suite struct KafkaReleaseTests {
    @Test(
        "requests are no newer than the release, whatever a broker offers",
        arguments: [
            ("1.1", 7, 5), ("1.1.1", 7, 5), ("2.0", 8, 6), ("2.1", 10, 7), ("2.2.0", 10, 7),
            ("2.8", 12, 11), ("3.6.1", 13, 12), ("3.9.0", 17, 12), ("4.1", 18, 13), ("9.0", 18, 13),
        ] as [(String, Int16, Int16)])
    func cap(_ text: String, _ fetch: Int16, _ metadata: Int16) throws {
        let release = try #require(KafkaRelease(text))
        let table = ApiVersionTable(
            [
                .init(apiKey: FetchRequest.apiKey, minVersion: 0, maxVersion: 99),
                .init(apiKey: MetadataRequest.apiKey, minVersion: 0, maxVersion: 99),
            ], atMost: release)
        #expect(
            table.version(of: FetchRequest.self) == fetch)
        #expect(table.version(of: MetadataRequest.self) == metadata)
    }

    @Test("a broker that is older, or has left the release behind, is the bound")
    func broker() throws {
        let release = try #require(KafkaRelease("2.1"))
        let old = ApiVersionTable(
            [.init(apiKey: FetchRequest.apiKey, minVersion: 0, maxVersion: 6)], atMost: release)
        #expect(old.version(of: FetchRequest.self) == 6)
        let young = ApiVersionTable(
            [.init(apiKey: FetchRequest.apiKey, minVersion: 11, maxVersion: 18)], atMost: release)
        #expect(young.version(of: FetchRequest.self) == nil)
    }

    @Test(
        "what is no release is none",
        arguments: [
            "", "2", "1.0", "0.11.0.0", "2.8.x", "2..8", "v2.8", "2.8 ", "99999.1", "1.1.1.1.1",
        ])
    func none(_ text: String) { #expect(KafkaRelease(text) == nil) }

    @Test("records are read with the requests of an old release", arguments: ["1.1", "2.1", "2.8"])
    func reading(_ text: String) throws {
        let world = World { _, client in client.release = KafkaRelease(text) }
        world.server.createTopic("t")
        try world.fill("t", 0, 10, batch: 5)
        #expect(try world.offsets(world.outcome(world.read("t", at: 3)))?.first == 3)
        let versions = world.requests.filter { $0.key == FetchRequest.apiKey }.map(\.version)
        let newest = try #require(KafkaRelease(text)).newest(FetchRequest.apiKey)
        #expect(!versions.isEmpty && versions.allSatisfy { $0 <= newest })
    }
}
