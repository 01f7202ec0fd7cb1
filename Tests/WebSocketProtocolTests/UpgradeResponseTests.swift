import Bytes
import Testing

@testable import WebSocketProtocol

@Suite struct UpgradeResponseTests {
    func response(_ subprotocol: String? = nil, _ deflate: DeflateAgreement? = nil) throws -> String
    {
        let request = try #require(parse(Head().bytes).request)
        var output = ByteWriter()
        UpgradeResponse.write(
            to: request, subprotocol: subprotocol, deflate: deflate, into: &output)
        return String(decoding: output.array, as: UTF8.self)
    }

    /// RFC 6455 section 1.3 has the key of the tests and its answer.
    @Test func theStandardsExample() throws {
        #expect(
            try response() == """
                HTTP/1.1 101 Switching Protocols\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
                \r

                """)
    }

    @Test func whatWasAgreedOn() throws {
        let offers = ExtensionOffer.list("permessage-deflate") ?? []
        let text = try response("pubsub.json", DeflateAgreement.negotiate(offers))
        #expect(text.contains("\r\nSec-WebSocket-Protocol: pubsub.json\r\n"))
        #expect(
            text.contains(
                "\r\nSec-WebSocket-Extensions: permessage-deflate; "
                    + "server_no_context_takeover; client_no_context_takeover\r\n\r\n"))
    }
}
