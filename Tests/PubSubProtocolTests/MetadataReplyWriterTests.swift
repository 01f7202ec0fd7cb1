import Bytes
import PubSubProtocol
import TestSupport
import Testing

/// A long reply that is written topic by topic has the bytes of one that is written at once.
@Suite struct MetadataReplyWriterTests {
    @Test(
        "whatever the format and however many topics",
        arguments: [MessageFormat.binary, .json, .text], [0, 1, 2, 500])
    func sameBytes(_ format: MessageFormat, _ count: Int) {
        let topics = (0..<count).map { number in
            TopicMetadata(
                topic: "topic-\(number)",
                partitions: (0..<Int32(number % 4)).map {
                    PartitionMetadata(partition: $0, code: $0 == 2 ? .unavailable : nil)
                },
                code: number % 7 == 3 ? .notFound : nil)
        }
        let atOnce = written { Reply.metadata(topics).writeRest(as: format, into: &$0) }
        var writer = MetadataReplyWriter(format, capacity: 64)
        for topic in topics { writer.append(topic) }
        let rest = writer.finish()
        #expect(rest.array == atOnce)
    }
}
