import Compression
import KafkaProtocol

/// The batch that a `RunBuilder` is at.
struct BatchInWork {
    var header: RecordBatchHeader
    /// With the header, as it lies in the response.
    var byteCount: Int
    var nextOffset: Int64
    var facts: TransactionFacts
    /// Records before it are passed over.
    var keepFrom: Int64
    /// The reader has the rest of the batch, or there is nothing more to decompress for it.
    var isWhole = true
    /// Nothing can be read before more is decompressed.
    var isHungry = false
    /// The batch is over the limit: what was decompressed is read, then this is told.
    var excess: CompressionError?
    /// Decompressed bytes in front of those that the reader has.
    var readCount = 0
    var reader = BatchReader.none
}
