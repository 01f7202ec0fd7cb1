import Bytes
import KafkaMirror
import KafkaProtocol
import Timing

/// From what was read to the frame of the answer: stored bytes are copied once.
extension BrokerCluster {
    func frame(of reading: FetchReading, _ waiting: WaitingFetch) -> ByteBlock {
        var response = FetchResponse(sessionID: waiting.session?.id ?? 0)
        let context = waiting.context
        let records = RecordsBuffer(reading, isDamaged: context.damage != nil)
        var hints: Set<Int32> = []
        for entry in reading.entries {
            var answer = entry.answer
            if let partition = entry.partition {
                let damage =
                    entry.slice.bytes == 0
                    ? nil
                    : context.damage(
                        topic: partition.topic.name, partition: entry.answer.partitionIndex)
                answer.records = records.place(entry.slice, partition.log, damage)
            }
            if waiting.isIncremental && !entry.fetched.isNews(answer) { continue }
            if waiting.session != nil { entry.fetched.told(answer) }
            if let leader = answer.currentLeader?.leaderID, leader >= 0 { hints.insert(leader) }
            append(answer, of: entry.fetched.key, to: &response)
        }
        waiting.session?.rotate()
        response.nodeEndpoints = hints.sorted().compactMap(broker).map {
            .init(nodeID: $0.id, host: $0.address.host, port: Int32($0.address.port), rack: $0.rack)
        }
        return fetchFrame(response, records, waiting.context)
    }

    private func append(
        _ answer: FetchResponse.Partition, of key: FetchSession.Key,
        to response: inout FetchResponse
    ) {
        if let last = response.responses.last, last.topic == key.topic, last.topicID == key.topicID
        {
            response.responses[response.responses.count - 1].partitions.append(answer)
        } else {
            response.responses.append(
                .init(topic: key.topic, topicID: key.topicID, partitions: [answer]))
        }
    }

    func fetchFrame(
        _ response: FetchResponse, _ records: RecordsBuffer?, _ context: RequestContext
    ) -> ByteBlock {
        var response = response
        response.throttleTimeMilliseconds = context.throttleMilliseconds
        var size = 256
        for topic in response.responses {
            for partition in topic.partitions { size += 128 + (partition.records?.count ?? 0) }
        }
        var writer = ByteWriter(capacity: size)
        context.begin(&writer, FetchResponse.self)
        if let records {
            records.withBytes {
                response.encode(&writer, version: context.version, records: $0)
            }
        } else {
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            response.encode(&writer, version: context.version, records: none)
        }
        writer.patchInt32(Int32(clamping: writer.count - 4), at: 0)
        return writer.take()
    }

    /// What has happened to a partition may be what a Fetch waits for.
    func wake(_ partition: Partition) {
        guard !partition.waiting.isEmpty else { return }
        wakened.append(contentsOf: partition.waiting.sorted())
    }

    /// Answers those of the waiting that have something by now.
    func settle(now: Instant) {
        while !wakened.isEmpty {
            let ids = wakened
            wakened = []
            for id in ids {
                guard let waiting = connections[id]?.waitingFetch else { continue }
                let reading = read(waiting)
                if reading.isDue(waiting) { answer(waiting, reading, now: now) }
            }
        }
    }

    func fetchTimedOut(_ id: ClientConnectionID, _ waiting: WaitingFetch, now: Instant) {
        guard connections[id]?.waitingFetch === waiting else { return }
        answer(waiting, read(waiting), now: now)
    }

    private func answer(_ waiting: WaitingFetch, _ reading: FetchReading, now: Instant) {
        stopWaiting(waiting.context.connection)
        finish(frame(of: reading, waiting), waiting.context, now: now)
    }

    func stopWaiting(_ connection: ClientConnection) {
        guard let waiting = connection.waitingFetch else { return }
        connection.waitingFetch = nil
        for fetched in waiting.partitions { find(fetched.key)?.waiting.remove(connection.id) }
    }
}
