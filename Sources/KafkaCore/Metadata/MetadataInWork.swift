import Bytes
import KafkaProtocol

/// One answer that tells of topics, on its way from bytes to all who have asked: read, applied, put
/// in order, told. Of thousands of topics each step does as many as its budget allows.
///
/// Nothing counts before all was read: the error of the whole may stand behind the topics. While
/// they are applied each topic is as it was or as it is told now; one that is not named is gone
/// only when all that are named are there.
final class MetadataInWork {
    private enum Stage { case reads, applies, drops, sorts, tells, isOver }

    /// Done when it comes; what takes longer waits for its turn.
    static let atOnceBytes = 256 << 10

    /// What is announced may never come.
    private static let topicsReservedMax = 10_000

    /// What takes as long as to decode so many bytes of records.
    private enum Cost {
        static let topic = 2 << 10
        static let partition = 512
        /// What is known of it may change, and somebody may wait for that.
        static let askedTopic = 16 << 10
        static let comparison = 256
        static let lookup = 8 << 10
    }

    let question: MetadataQuestion
    let answer: Answer
    private unowned(unsafe) let keeper: MetadataKeeper
    private var frame: FrameAssembler.Frame
    private var cursor: MetadataCursor
    private var topics: [MetadataResponse.Topic] = []
    private var firstErrorCode: Int16 = 0
    private var told: MetadataTold
    private var stage = Stage.reads
    /// In what the stage goes through.
    private var next = 0

    init(
        _ keeper: MetadataKeeper, _ question: MetadataQuestion, _ reader: ByteReader,
        _ answer: Answer
    ) throws(KafkaFailure) {
        self.keeper = keeper
        self.question = question
        self.answer = answer
        frame = answer.frame
        do {
            cursor = try MetadataCursor(reader, version: answer.request.version)
        } catch {
            throw answer.connection.unreadable(answer.request, error)
        }
        topics.reserveCapacity(min(cursor.topicCount, Self.topicsReservedMax))
        told = MetadataTold(question.lookups)
    }

    /// What was lent is not there any more when the event is over.
    func keepBytes() {
        guard stage == .reads else { return }
        if case .lent(let bytes) = frame { frame = .owned(ByteBlock(copying: bytes)) }
        answer.connection.isDecoding = true
    }

    /// Whether that was all.
    func step(_ budget: inout Int) throws(KafkaFailure) -> Bool {
        while budget > 0, stage != .isOver {
            switch stage {
            case .reads: budget -= try read()
            case .applies: budget -= apply()
            case .drops: budget -= drop()
            case .sorts: budget -= sort()
            case .tells: budget -= tell()
            case .isOver: break
            }
        }
        return stage == .isOver
    }

    private func begin(_ stage: Stage) {
        self.stage = stage
        next = 0
    }

    // MARK: The stages, a piece each; what it has cost

    private func read() throws(KafkaFailure) -> Int {
        let topic: MetadataResponse.Topic?
        do {
            topic = try cursor.next(frame.bytes)
        } catch {
            answer.connection.isDecoding = false
            throw answer.connection.unreadable(answer.request, error)
        }
        guard let topic else {
            wasRead()
            return Cost.topic
        }
        if firstErrorCode == 0 { firstErrorCode = topic.firstErrorCode }
        topics.append(topic)
        return Cost.topic + topic.partitions.count * Cost.partition
    }

    private func wasRead() {
        let (response, connection) = (cursor.response, answer.connection)
        connection.isDecoding = false
        frame = .lent(UnsafeRawBufferPointer(start: nil, count: 0))
        let code = response.errorCode != 0 ? response.errorCode : firstErrorCode
        keeper.context.counters.ended(MetadataResponse.apiKey, .answered(code))
        connection.noteAnswer(
            throttle: response.throttleTimeMilliseconds,
            isOurs: answer.request.version >= MetadataResponse.clientWaitsFrom)
        begin(keeper.accepts(question, response) ? .applies : .isOver)
    }

    private func apply() -> Int {
        guard next < topics.count else {
            begin(.drops)
            return 0
        }
        let topic = topics[next]
        // Given back piece by piece as well.
        topics[next] = MetadataResponse.Topic()
        next += 1
        told.add(topic)
        MetadataAnswer(keeper).apply(topic, to: question)
        let isAsked = question.topics != nil
        return (isAsked ? Cost.askedTopic : Cost.topic) + topic.partitions.count * Cost.partition
    }

    private func drop() -> Int {
        guard let asked = question.topics, next < asked.count else {
            begin(.sorts)
            return 0
        }
        MetadataAnswer(keeper).drop(asked[next], askedBy: question)
        next += 1
        return Cost.topic
    }

    private func sort() -> Int {
        if told.sort() { begin(.tells) }
        return Cost.comparison
    }

    private func tell() -> Int {
        guard next < question.lookups.count else {
            begin(.isOver)
            keeper.finish(question)
            return 0
        }
        let lookup = question.lookups[next]
        next += 1
        guard !lookup.isDone else { return Cost.comparison }
        keeper.finish(lookup, .success(told.answer(lookup)))
        return Cost.lookup + (lookup.topics?.count ?? 0) * Cost.topic
    }
}

extension MetadataResponse.Topic {
    /// The error of the topic, else the first one of its partitions; 0: none.
    fileprivate var firstErrorCode: Int16 {
        guard errorCode == 0 else { return errorCode }
        for partition in partitions where partition.errorCode != 0 { return partition.errorCode }
        return 0
    }
}
