import Compression
import EventLoop

/// Writes records at a steady rate, as something to look at.
public final class LiveWriter {
    /// How often it writes at most; faster rates write several records at once.
    private static let intervalMilliseconds: Int64 = 20

    private let server: BrokerServer
    private let topic: String
    private let perSecond: Double
    private var due = 0.0
    private var nextPartition: Int32 = 0

    public init(_ server: BrokerServer, topic: String, perSecond: Double) {
        precondition(perSecond > 0)
        self.server = server
        self.topic = topic
        self.perSecond = perSecond
    }

    public func start() {
        let interval = max(Self.intervalMilliseconds, Int64(1000 / perSecond))
        server.loop.schedule(afterMilliseconds: interval) { [self] in
            due += perSecond * Double(interval) / 1000
            let count = Int(due)
            due -= Double(count)
            write(count)
            start()
        }
    }

    private func write(_ count: Int) {
        guard count > 0, let partitions = server.cluster.partitionCount(topic) else { return }
        let partition = nextPartition % partitions
        nextPartition = (partition + 1) % partitions
        let now = server.loop.now
        let first = server.cluster.logEnd(topic, partition) ?? 0
        let records = (0..<count).map { DevRecord("\(topic)-\(first + Int64($0))") }
        // Without compression nothing can be missing.
        _ = try? server.cluster.append(topic, partition: partition, records, now: now)
        server.perform()
    }
}
