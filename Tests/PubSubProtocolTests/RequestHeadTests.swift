import PubSubProtocol
import Testing

/// What is told of a request that is refused before it is decoded.
@Suite struct RequestHeadTests {
    private func head(
        _ message: [UInt8], _ format: MessageFormat = .binary, _ host: [String: Int] = [:]
    ) -> RequestHead {
        message.withUnsafeBytes { RequestHead($0, as: format, hostFields: host) }
    }

    private func head(text: String, _ host: [String: Int] = [:]) -> RequestHead {
        head(Array(text.utf8), .json, host)
    }

    private func isFetch(_ head: RequestHead) -> Bool {
        if case .fetch = head.command { true } else { false }
    }

    @Test("binary: the sequence and the command, whatever the command holds")
    func binary() {
        let found = head([0x08, 0xac, 0x02, 0x8a, 0x02, 0x03, 0xff, 0xff, 0xff])
        #expect(found.sequence == 300 && isFetch(found) && !found.usesExtensions)
        let metadata = head([0xca, 0x06, 0x00, 0x08, 0x07])
        #expect(metadata.sequence == 7 && metadata.usesExtensions)
        #expect(metadata.command == .metadata(MetadataCommand()))
        #expect(head([0xc2, 0x3e, 0x00]).command == .unknown(field: 1000, payload: 0..<0))
        #expect(head([]).command == .none && !head([]).usesExtensions)
    }

    @Test("JSON: in any order, numbers as texts, in either spelling, the host's own")
    func json() {
        let found = head(text: #"{"cmdKafkaFetch":{"offset":[1]},"sequence":"12"}"#)
        #expect(found.sequence == 12 && isFetch(found))
        #expect(isFetch(head(text: #"{"cmd_kafka_fetch":7}"#)))
        let host = head(text: #"{"sequence":3,"cmdUpper":"a"}"#, ["cmdUpper": 1001])
        #expect(host.sequence == 3 && host.command == .unknown(field: 1001, payload: 0..<0))
    }

    @Test("of what is cut off or broken, what stands in front; a number that may go on is none")
    func broken() {
        #expect(head([0x08, 0x05, 0x8a, 0x02, 0x7f, 0x00]).sequence == 5)
        #expect(head([0x08, 0x05, 0xff]).sequence == 5)
        #expect(head([0x08, 0x80]).sequence == 0)
        #expect(head(text: #"{"sequence":5,"cmdPing":{"state":"#).sequence == 5)
        #expect(head(text: #"{"sequence":5"#).sequence == 0)
        #expect(head(text: "[").sequence == 0)
    }

    @Test("no more of it is looked at than its start")
    func bounded() {
        let filler = [UInt8](repeating: 0x12, count: RequestHead.bytesMax)
        #expect(head([0x08, 0x05] + filler).sequence == 5)
        #expect(head(filler + [0x08, 0x05]).sequence == 0)
        let spaces = String(repeating: " ", count: RequestHead.bytesMax)
        #expect(head(text: #"{"sequence":5,"# + spaces + #""cmdPing":{}}"#).command == .none)
    }
}
