import Bytes
import PubSubProtocol

/// A message whose records wait for room.
struct KeptRecords {
    let request: PubSubRequest
    let format: MessageFormat
    /// Empty where `request` has all that is needed of it.
    private let message: ByteBlock

    init(_ request: PubSubRequest, _ message: UnsafeRawBufferPointer, _ format: MessageFormat) {
        self.request = request
        self.format = format
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        self.message = ByteBlock(copying: format == .binary ? message : none)
    }

    var byteCount: Int { message.count + request.recordBytes }

    var lent: LentRecords { LentRecords(request: request, message: message.bytes, format: format) }
}

/// A message of which the bytes are somebody's, for the time of a call.
struct LentRecords {
    let request: PubSubRequest
    let message: UnsafeRawBufferPointer
    let format: MessageFormat

    var records: [ProduceRecord] {
        if case .produce(let produce) = request.command { produce.records } else { [] }
    }

    func withBytes<R>(_ body: (ProduceCommand.Bytes) -> R) -> R {
        request.withRecordBytes(of: message, in: format, body)
    }

    func kept() -> KeptRecords { KeptRecords(request, message, format) }
}
