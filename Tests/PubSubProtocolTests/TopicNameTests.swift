import PubSubProtocol
import Testing

@Suite struct TopicNameTests {
    @Test(arguments: ["a", "test-consumer", "A.b_9", "...", String(repeating: "x", count: 249)])
    func legal(name: String) { #expect(TopicName.isLegal(name)) }

    @Test(arguments: [
        "", ".", "..", "a b", "a/b", "a*", "é", "\u{212a}eys", "a\0", "a\n",
        String(repeating: "x", count: 250),
    ])
    func illegal(name: String) { #expect(!TopicName.isLegal(name)) }
}
