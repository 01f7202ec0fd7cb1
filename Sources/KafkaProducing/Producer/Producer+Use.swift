/// What a driver asks in order to know what has to be kept for the producer.
extension Producer {
    /// Nothing waits or is on its way, and no transaction is begun.
    public var isIdle: Bool { !hasRecords && requests.isEmpty && transactions?.isBusy != true }

    /// Something of the topic waits or is on its way.
    public func uses(_ name: String) -> Bool { topics[name].map { !$0.isEmpty } ?? false }

    /// Something of the partition waits or is on its way.
    public func uses(_ name: String, _ partition: Int32) -> Bool {
        guard let queues = topics[name]?.queues, queues.indices.contains(Int(partition)) else {
            return false
        }
        return !queues[Int(partition)].isEmpty
    }

    /// Nobody tells of the topic any more: its next record asks for it anew. Does nothing while the
    /// topic is in use.
    public func forgetTopic(_ name: String) {
        if let topic = topics[name] { forget(topic) }
    }
}
