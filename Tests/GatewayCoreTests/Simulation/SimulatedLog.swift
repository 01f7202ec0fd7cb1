import DevBroker
import Timing

/// What one partition holds, as whoever wrote it knows.
struct SimulatedLog {
    enum Kind: Equatable {
        case plain, marker, committed, aborted
        /// In a transaction that has not ended.
        case open(Int64)
    }

    let topic: String
    let partition: Int
    private(set) var kinds: [Kind] = []
    /// Offsets below are deleted.
    var start: Int64 = 0

    var end: Int64 { Int64(kinds.count) }
    var openProducer: Int64? {
        kinds.lazy.compactMap { if case .open(let id) = $0 { id } else { nil } }.first
    }

    /// What a record holds follows from where it stands.
    func value(_ offset: Int64) -> String {
        let filler = String(repeating: "x", count: Int(offset * 37 % 700))
        return "\(topic)-\(partition)-\(offset)-" + filler
    }

    mutating func append(_ kind: Kind, _ count: Int) {
        kinds += Array(repeating: kind, count: count)
    }

    mutating func end(_ producer: Int64, commits: Bool) {
        for index in kinds.indices where kinds[index] == .open(producer) {
            kinds[index] = commits ? .committed : .aborted
        }
        kinds.append(.marker)
    }

    /// The offsets that a reader gets from `range`. nil: it must not have come so far.
    func visible(_ range: Range<Int64>, committed: Bool) -> [Int64]? {
        guard range.upperBound <= end else { return nil }
        var offsets: [Int64] = []
        for offset in range {
            switch kinds[Int(offset)] {
            case .marker: break
            case .plain, .committed: offsets.append(offset)
            case .aborted: if !committed { offsets.append(offset) }
            case .open:
                if committed { return nil }
                offsets.append(offset)
            }
        }
        return offsets
    }
}
