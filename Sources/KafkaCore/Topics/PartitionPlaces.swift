import KafkaProtocol

/// Finds what a response's partition answers; each once.
struct PartitionPlaces {
    private struct Key: Hashable {
        var name: String
        var id: KafkaUUID
        var index: Int32
    }

    private var numbers: [Key: Int] = [:]

    init(_ partitions: [Partition]) {
        for (number, partition) in partitions.enumerated() {
            let topic = partition.topic
            numbers[Key(name: topic.name, id: .zero, index: partition.index)] = number
            if topic.id != .zero {
                numbers[Key(name: "", id: topic.id, index: partition.index)] = number
            }
        }
    }

    /// `id` counts, unless it is zero.
    mutating func take(_ name: String, id: KafkaUUID = .zero, _ index: Int32) -> Int? {
        let key =
            id == .zero
            ? Key(name: name, id: .zero, index: index) : Key(name: "", id: id, index: index)
        return numbers.removeValue(forKey: key)
    }
}
