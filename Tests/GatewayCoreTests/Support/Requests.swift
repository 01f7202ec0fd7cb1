/// Requests as a client writes them. `nil` leaves a field out.
enum Request {
    static func make(_ sequence: Int64?, _ build: (inout Wire) -> Void) -> [UInt8] {
        var wire = Wire()
        wire.int(1, sequence)
        build(&wire)
        return wire.bytes
    }

    static func ping(_ sequence: Int64?, _ state: String? = nil) -> [UInt8] {
        make(sequence) { $0.message(32) { ping in state.map { ping.string(1, $0) } } }
    }

    static func empty(_ sequence: Int64?) -> [UInt8] { make(sequence) { $0.message(31) { _ in } } }

    static func listOffset(
        _ sequence: Int64?, _ topic: String, _ partition: Int64 = 0, _ timestamp: Int64
    ) -> [UInt8] {
        make(sequence) {
            $0.message(34) { list in
                list.string(1, topic)
                list.int(2, partition)
                list.int(3, timestamp)
            }
        }
    }

    static func fetch(
        _ sequence: Int64?, _ topic: String, _ partition: Int64 = 0, _ offset: Int64,
        maxBytes: Int64? = nil, maxWait: Int64? = nil, minBytes: Int64? = nil,
        isolation: Int64? = nil
    ) -> [UInt8] {
        make(sequence) {
            $0.message(33) { fetch in
                fetch.string(1, topic)
                fetch.int(2, partition)
                fetch.int(3, offset)
                fetch.int(101, maxBytes)
                fetch.int(102, maxWait)
                fetch.int(103, minBytes)
                fetch.int(104, isolation)
            }
        }
    }

    enum Start {
        case latest, earliest
        case offset(Int64)
        case timestamp(Int64)
    }

    static func subscribe(
        _ sequence: Int64?, _ topics: [(String, [Int64], Start)], messages: Int64? = nil,
        bytes: Int64? = nil, maxBytes: Int64? = nil, isolation: Int64? = nil,
        skipsUnreadable: Bool = false
    ) -> [UInt8] {
        make(sequence) {
            $0.message(101) { subscribe in
                for (topic, partitions, start) in topics {
                    subscribe.message(1) { entry in
                        entry.string(1, topic)
                        for partition in partitions { entry.int(2, partition) }
                        switch start {
                        case .latest: entry.int(3, 0)
                        case .earliest: entry.int(3, 1)
                        case .offset(let offset): entry.int(4, offset)
                        case .timestamp(let timestamp): entry.int(5, timestamp)
                        }
                    }
                }
                subscribe.int(2, messages)
                subscribe.int(3, bytes)
                subscribe.int(4, isolation)
                subscribe.int(5, maxBytes)
                if skipsUnreadable { subscribe.int(6, 1) }
            }
        }
    }

    static func unsubscribe(_ sequence: Int64, _ subscription: Int64) -> [UInt8] {
        make(sequence) { $0.message(102) { $0.int(1, subscription) } }
    }

    static func grant(
        _ sequence: Int64, _ subscription: Int64, messages: Int64 = 0, bytes: Int64 = 0
    ) -> [UInt8] {
        make(sequence) {
            $0.message(103) { grant in
                grant.int(1, subscription)
                grant.int(2, messages)
                grant.int(3, bytes)
            }
        }
    }

    static func pause(_ sequence: Int64, _ subscription: Int64, resume: Bool) -> [UInt8] {
        make(sequence) {
            $0.message(104) { pause in
                pause.int(1, subscription)
                pause.int(2, resume ? 1 : 0)
            }
        }
    }

    static func metadata(_ sequence: Int64, _ topics: String...) -> [UInt8] {
        make(sequence) { $0.message(105) { for topic in topics { $0.string(1, topic) } } }
    }

    struct Record {
        var topic: String
        var value: String?
        var key: String?
        var partition: Int64?
        var timestamp: Int64?
        var headers: [(String, String?)] = []

        init(
            _ topic: String, _ value: String?, key: String? = nil, partition: Int64? = nil,
            timestamp: Int64? = nil, headers: [(String, String?)] = []
        ) {
            self.topic = topic
            self.value = value
            self.key = key
            self.partition = partition
            self.timestamp = timestamp
            self.headers = headers
        }
    }

    static func produce(
        _ sequence: Int64, _ records: [Record], acks: Int64? = nil, id: String? = nil
    ) -> [UInt8] {
        make(sequence) {
            $0.message(110) { produce in
                for record in records {
                    produce.message(1) { entry in
                        entry.string(1, record.topic)
                        entry.int(2, record.partition)
                        record.key.map { entry.string(3, $0) }
                        record.value.map { entry.string(4, $0) }
                        for (name, value) in record.headers {
                            entry.message(5) { header in
                                header.string(1, name)
                                value.map { header.string(2, $0) }
                            }
                        }
                        entry.int(6, record.timestamp)
                    }
                }
                produce.int(2, acks)
                id.map { produce.string(3, $0) }
            }
        }
    }

    static func produce(_ sequence: Int64, _ topic: String, _ values: String...) -> [UInt8] {
        produce(sequence, values.map { Record(topic, $0) })
    }
}
