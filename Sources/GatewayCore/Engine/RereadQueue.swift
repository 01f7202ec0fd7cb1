import KafkaCore

/// Whose turn it is to read evicted records again. What that brings is copied until it is written:
/// of a thousand clients that wait for records of one log few do so at a time. Logs know nothing of
/// each other, because one of them may wait for a broker.
struct RereadQueue {
    private struct Line {
        var inFlight = 0
        var waiting: [SessionID] = []
    }

    private var lines: [ObjectIdentifier: Line] = [:]

    /// Half a megabyte of copies of one log, which is what one turn writes.
    static let atOnceMax = 8

    /// False: it waits in the line of that log.
    mutating func begin(_ log: PartitionLog, _ session: SessionID) -> Bool {
        let key = ObjectIdentifier(log)
        guard lines[key]?.inFlight ?? 0 < Self.atOnceMax else {
            lines[key]?.waiting.append(session)
            return false
        }
        lines[key, default: Line()].inFlight += 1
        return true
    }

    mutating func end(_ log: PartitionLog) { lines[ObjectIdentifier(log)]?.inFlight -= 1 }

    /// Who has waited longest, if somebody may begin; that one waits no more.
    mutating func next(_ log: PartitionLog) -> SessionID? {
        let key = ObjectIdentifier(log)
        guard let line = lines[key], line.inFlight < Self.atOnceMax else { return nil }
        guard !line.waiting.isEmpty else {
            if line.inFlight == 0 { lines[key] = nil }
            return nil
        }
        return lines[key]?.waiting.removeFirst()
    }
}
