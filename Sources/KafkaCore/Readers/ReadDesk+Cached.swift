extension ReadDesk {
    /// What the cache has for a read right now, as `start` would answer it at once: nobody has to
    /// wait, so that no reader is needed.
    func cached(_ request: ReadRequest) -> RecordSlice? {
        guard let topic = cluster.keeper.knownTopic(request.topic),
            let partition = topic.partitions[request.partition],
            let found = cluster.cache.records(
                of: partition.log, from: request.offset, isolation: request.isolation,
                limit: max(0, request.maxBytes)),
            // Else there were gaps only.
            found.recordCount > 0, !needsConfirmation(partition),
            found.isCut || found.byteCount >= request.minBytes
                || (request.waitUntil ?? .zero) <= cluster.now
        else { return nil }
        cluster.counters.readsFromCache += 1
        let isPolled = partition.follow(request.isolation)?.isPolled == true
        return RecordSlice(
            log: partition.log, firstOffset: found.firstOffset, nextOffset: found.nextOffset,
            byteCount: found.byteCount, recordCount: found.recordCount,
            position: isPolled ? partition.position : .unknown, isolation: request.isolation)
    }
}
