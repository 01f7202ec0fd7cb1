import KafkaProducing

/// Where the records of one call go.
public struct RecordSink {
    let pool: ProducerPool
    let producer: PooledProducer

    /// A topic by its name, for many records.
    public func topic(_ name: String) -> ProducerTopic {
        producer.topics[name]?.lastUsed = pool.context.now
        return producer.engine.topic(name)
    }

    /// The record's bytes are needed during the call alone.
    /// - Parameter partition: nil: the partitioner chooses.
    /// - Returns: `accepted`: it will be reported of. `full` and `refused`: it will not; after
    ///   `full` the effect `producerHasRoom` comes.
    public func append(
        _ record: borrowing ProducedRecord, to topic: ProducerTopic, partition: Int32? = nil
    ) -> Acceptance {
        producer.engine.append(record, to: topic, partition: partition, now: pool.context.now)
    }
}
