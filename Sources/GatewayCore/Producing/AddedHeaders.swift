import PubSubProtocol
import RecordFormat

/// The headers that are added to what one session produces, ready to be put into a record.
struct AddedHeaders {
    /// As they stand in a batch of records.
    private(set) var bytes: [UInt8] = []
    private(set) var count = 0
    /// Names that clients may not send: of headers that this session lacks a value for, too, or
    /// whoever has no principal could claim one.
    private var reserved: [[UInt8]] = []

    /// A session's own takes the place of its route's by that name.
    init(_ route: [AddedHeader], own: [AddedHeader] = [], principal: String?, trace: String?) {
        let ownNames = own.map { Array($0.name.utf8) }
        let kept = route.filter { !ownNames.contains(Array($0.name.utf8)) }
        for header in kept + own {
            let value: String? =
                switch header.value {
                case .text(let text): text
                case .principal: principal
                case .trace: trace
                }
            add(Array(header.name.utf8), value)
        }
    }

    private mutating func add(_ name: [UInt8], _ value: String?) {
        reserved.append(name)
        guard let value else { return }
        bytes.appendRecordHeader(key: name, value: Array(value.utf8))
        count += 1
    }

    /// Whether one of a client's headers has a name that is not the client's to send.
    func isForged(_ headers: UnsafeRawBufferPointer, count: Int) -> Bool {
        guard !reserved.isEmpty, count > 0 else { return false }
        return RecordHeaders.contains(headers, count: count) { name in
            reserved.contains { $0.elementsEqual(name) }
        }
    }
}
