import Timing

/// Those of a service who wait for what is to be known of topics, in the order of their coming.
struct TopicWaiters<Item: Slotted> {
    private var lists: [ObjectIdentifier: SlotList<Item>] = [:]

    init() {}

    /// Who waits keeps the topic, so that no other one can have its identity.
    mutating func append(_ item: Item, for topic: Topic) {
        lists[ObjectIdentifier(topic), default: SlotList()].append(item)
    }

    mutating func remove(_ item: Item, from topic: Topic) {
        let key = ObjectIdentifier(topic)
        lists[key]?.remove(item)
        if lists[key]?.isEmpty == true { lists[key] = nil }
    }

    mutating func takeAll(_ topic: Topic) -> SlotList<Item> {
        lists.removeValue(forKey: ObjectIdentifier(topic)) ?? SlotList()
    }

    func isEmpty(_ topic: Topic) -> Bool { lists[ObjectIdentifier(topic)] == nil }
}
