import KafkaProducing
import KafkaProtocol

/// One Produce request in flight.
final class ProduceInFlight: WholeAnswerPurpose {
    private unowned(unsafe) let pool: ProducerPool
    let producer: PooledProducer
    let request: ProduceRequestToSend
    let broker: Broker

    init(
        _ pool: ProducerPool, _ producer: PooledProducer, _ request: ProduceRequestToSend,
        _ broker: Broker
    ) {
        self.pool = pool
        self.producer = producer
        self.request = request
        self.broker = broker
    }

    func answered(_ response: ProduceResponse, _ answer: Answer) {
        pool.received(self, response)
    }

    func lost(_ failure: KafkaFailure) { pool.lost(self) }

    /// Others lead all of its partitions by now: they are asked when the connection has ended.
    var isAbandoned: Bool {
        request.batches.allSatisfy { batch in
            let known = producer.topics[batch.topic.name]?.topic.partitions[batch.partition]
            guard let leader = known?.leader else { return false }
            return leader !== broker
        }
    }

    var topics: [Topic] {
        request.batches.compactMap { producer.topics[$0.topic.name]?.topic }
    }

    var partitions: Set<TransactionPartition> {
        Set(
            request.batches.lazy.map {
                TransactionPartition(topic: $0.topic.name, partition: $0.partition)
            })
    }

    /// As the answer names it: since version 13 by its id.
    func name(of topic: ProduceResponse.Topic) -> String? {
        guard topic.name.isEmpty else { return topic.name }
        return names[topic.topicID]
    }

    private lazy var names = [KafkaUUID: String](
        request.batches.map { ($0.topic.id, $0.topic.name) },
        uniquingKeysWith: { first, _ in first })
}

extension ProduceRequestToSend {
    /// As the wire has it, where a batch is no more than its size.
    func message(version: Int16) -> ProduceRequest {
        var message = ProduceRequest(
            transactionalID: transactionalID, acks: acks.rawValue,
            timeoutMilliseconds: timeoutMilliseconds)
        for batch in batches {
            if message.topicData.last?.name != batch.topic.name {
                message.topicData.append(
                    .init(name: batch.topic.name, topicID: batch.topic.id))
            }
            message.topicData[message.topicData.count - 1].partitionData.append(
                .init(
                    index: batch.partition,
                    records: KafkaBytes(offset: 0, count: batch.bytes.count)))
        }
        return message
    }

    var byteCount: Int { batches.reduce(0) { $0 + $1.bytes.count } }
}
