import Timing

/// Brokers go down and come back, leaders move.
extension BrokerCluster {
    /// Where clients are told to find a broker; the driver knows once it listens.
    public func advertise(_ address: BrokerSettings.Address, broker id: Int32) {
        broker(id)?.address = address
    }

    /// In a cluster with racks, leaders name replicas that are nearer to a reader (KIP-392). nil,
    /// or an empty one: none.
    public func setRack(_ rack: String?, broker id: Int32) {
        broker(id)?.rack = rack?.isEmpty == true ? nil : rack
    }

    /// A broker dies: its connections close, its port refuses, its partitions get other leaders
    /// if they have other replicas and `elects`; false without such a broker.
    @discardableResult
    public func takeDown(_ id: Int32, elects: Bool = true, now: Instant) -> Bool {
        guard let broker = broker(id), broker.isUp else { return false }
        broker.isUp = false
        broker.sessions.removeAll()
        closeConnections(of: broker)
        effects.append(.listening(broker: id, false))
        forEachPartition { partition in
            partition.inSyncReplicas = partition.replicas.filter { self.broker($0)?.isUp == true }
            if partition.leader == id && elects { elect(partition) }
        }
        settle(now: now)
        return true
    }

    /// A broker comes back, with all that was written meanwhile; it leads nothing that found
    /// another leader.
    @discardableResult
    public func bringUp(_ id: Int32, now: Instant) -> Bool {
        guard let broker = broker(id), !broker.isUp else { return false }
        broker.isUp = true
        effects.append(.listening(broker: id, true))
        forEachPartition { partition in
            partition.inSyncReplicas = partition.replicas.filter { self.broker($0)?.isUp == true }
            if partition.leader < 0 { elect(partition) }
        }
        settle(now: now)
        return true
    }

    /// A broker that takes connections and bytes and answers nothing, until it is thawed.
    public func freeze(_ id: Int32) { broker(id)?.isFrozen = true }

    public func thaw(_ id: Int32, now: Instant) {
        guard let broker = broker(id), broker.isFrozen else { return }
        broker.isFrozen = false
        let held = broker.held
        broker.held = []
        for (context, frame) in held { deliver(frame, context, now: now) }
        for connection in connections(of: broker) { advance(connection, now: now) }
        settle(now: now)
    }

    /// Hangs up on every client of a broker, or of all.
    public func closeConnections(broker id: Int32? = nil) {
        for broker in brokers where id == nil || broker.id == id { closeConnections(of: broker) }
    }

    /// Gives a partition to another broker, under a new leader epoch; false without such a
    /// partition or broker.
    @discardableResult
    public func moveLeader(
        _ topic: String, _ partition: Int32, to id: Int32, now: Instant
    ) -> Bool {
        guard let partition = topics[topic]?.partition(partition), let broker = broker(id),
            broker.isUp
        else { return false }
        lead(partition, by: broker.id)
        settle(now: now)
        return true
    }

    /// An unclean election: the new leader lacks the records from `offset` on.
    @discardableResult
    public func truncate(
        _ topic: String, _ partition: Int32, to offset: Int64, now: Instant
    ) -> Bool {
        guard let partition = topics[topic]?.partition(partition) else { return false }
        partition.truncate(to: offset)
        lead(partition, by: partition.leader)
        settle(now: now)
        return true
    }

    /// The node id of a partition's leader; nil without such a partition, -1 without a leader.
    public func leader(_ topic: String, _ partition: Int32) -> Int32? {
        topics[topic]?.partition(partition)?.leader
    }

    /// Drops the fetch sessions of a broker: readers get error 70.
    public func dropFetchSessions(broker id: Int32) { broker(id)?.sessions.removeAll() }

    public func fetchSessionCount(broker id: Int32) -> Int { broker(id)?.sessions.count ?? 0 }

    /// The first replica that is up leads, if it does not already.
    func elect(_ partition: Partition) {
        let next = partition.replicas.first { broker($0)?.isUp == true } ?? -1
        if next != partition.leader { lead(partition, by: next) }
    }

    private func lead(_ partition: Partition, by id: Int32) {
        partition.leader = id
        partition.leaderEpoch += 1
        wake(partition)
    }

    private func forEachPartition(_ body: (Partition) -> Void) {
        for name in topicNames { topics[name]?.partitions.forEach(body) }
    }

    private func connections(of broker: Broker) -> [ClientConnection] {
        connections.values.filter { $0.broker === broker }.sorted { $0.id < $1.id }
    }

    private func closeConnections(of broker: Broker) {
        for connection in connections(of: broker) { close(connection) }
    }
}
