import Bytes

/// Decodes responses one after the other, a budget of bytes at a time.
final class ResponseDecoder {
    private var jobs: [DecodeJob] = []
    private var bench: DecodingBench

    /// Of a response that lies in the driver's own memory so much is decoded at once; what takes
    /// longer is copied and waits for its turn.
    static let bytesAtOnceMax = 256 << 10

    init(batchBytesMax: Int) { bench = DecodingBench(capBytes: batchBytesMax) }

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
            part.finish(part.builder)
        }
        job.finish()
        return true
    }
}
