import Bytes
import KafkaProtocol

/// The partitions of one fetch response that brought records.
final class DecodeJob {
    /// One partition, and what is to be done when its records are in the cache.
    struct Part {
        var builder: RunBuilder
        var finish: (RunBuilder) -> Void
    }

    /// Busy until the response is decoded: its memory counts as in flight.
    let connection: BrokerConnection
    fileprivate(set) var frame: FrameAssembler.Frame
    var parts: [Part]
    fileprivate(set) var number = 0
    let finish: () -> Void

    init(
        connection: BrokerConnection, frame: FrameAssembler.Frame, parts: [Part],
        finish: @escaping () -> Void
    ) {
        self.connection = connection
        self.frame = frame
        self.parts = parts
        self.finish = finish
    }
}

/// Decodes responses one after the other, a budget of bytes at a time.
final class ResponseDecoder {
    private var jobs: [DecodeJob] = []
    private var bench: DecodingBench
    private(set) var recordCount: UInt64 = 0

    /// Of a response that lies in the driver's own memory so much is decoded at once; what takes
    /// longer is copied and waits for its turn.
    static let bytesAtOnceMax = 256 << 10

    init(limits: KafkaLimits) {
        bench = DecodingBench(capBytes: limits.decompressedBatchBytesMax)
    }

    var hasWork: Bool { !jobs.isEmpty }

    func add(_ job: DecodeJob) {
        if jobs.isEmpty, case .lent = job.frame {
            var budget = Self.bytesAtOnceMax
            if run(job, &budget, ownsBytes: false) { return }
        }
        if case .lent(let bytes) = job.frame { job.frame = .owned(ByteBlock(copying: bytes)) }
        job.connection.isDecoding = true
        jobs.append(job)
    }

    func work(budgetBytes: Int) {
        var budget = budgetBytes
        while budget > 0, let job = jobs.first {
            guard run(job, &budget, ownsBytes: true) else { return }
            if jobs.first === job { jobs.removeFirst() }
            job.connection.isDecoding = false
        }
    }

    /// Nobody waits for what is left. What it holds of the loop's budget is free again.
    func dropAll() {
        for job in jobs { job.finish() }
        jobs = []
        bench.rest()
    }

    /// Whether the job is finished.
    private func run(_ job: DecodeJob, _ budget: inout Int, ownsBytes: Bool) -> Bool {
        while job.number < job.parts.count {
            let part = job.parts[job.number]
            let step = part.builder.step(
                frame: job.frame.bytes, ownsBytes: ownsBytes, budget: &budget, &bench)
            guard case .done = step else { return false }
            bench.rest()
            job.number += 1
            recordCount += UInt64(part.builder.recordCount)
            part.finish(part.builder)
        }
        job.finish()
        return true
    }
}
