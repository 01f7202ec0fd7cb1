import KafkaCore
import PubSubProtocol

extension BatchHead {
    /// The head of the reply to a fetch.
    init(sequence: Int64, _ slice: RecordSlice) {
        self.init(
            sequence: sequence, kind: .fetch, nextOffset: slice.nextOffset,
            highWatermark: slice.position.highWatermark,
            logStartOffset: slice.position.logStartOffset,
            lastStableOffset: slice.position.lastStableOffset)
    }
}
