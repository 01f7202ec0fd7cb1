import Bytes
import KafkaCore
import Timing

/// The host's own Kafka clients: requests come in, events go out.
extension GatewayEngine {
    /// Beside its bytes an event takes room for itself.
    public static let directEventBytes = 64
    /// How often records may be evicted before they are copied: each time less is asked for.
    private static let evictionsMax = 8

    public func openDirect(_ id: DirectClientID, _ settings: DirectSettings, now: Instant) {
        self.now = now
        guard directClients[id] == nil else { return }
        directClients[id] = DirectClient(id, settings, seat(settings.cluster))
    }

    /// Pending requests get their last event.
    public func closeDirect(_ id: DirectClientID, now: Instant) {
        self.now = now
        guard let client = directClients.removeValue(forKey: id) else { return }
        for request in client.requestsInOrder { fail(request, .closed) }
        sweep()
    }

    func stopDirect() {
        for client in directClients.values.sorted(by: { $0.id.raw < $1.id.raw }) {
            for request in client.requestsInOrder { fail(request, .stopped) }
        }
        directClients = [:]
    }

    /// `token`: no pending request of the client has it.
    public func ask(_ id: DirectClientID, token: UInt64, _ ask: DirectAsk, now: Instant) {
        self.now = now
        guard let client = directClients[id], client.requests[token] == nil else { return }
        let request = DirectRequest(client, token: token, number: nextNumber(), ask)
        client.requests[token] = request
        switch ask {
        case .fetch(let fetch): begin(request, at: fetch.offset)
        case .subscribe(let subscribe):
            switch subscribe.start {
            case .offset(let offset): begin(request, at: offset)
            case .latest: begin(request, at: -1)
            case .earliest: begin(request, at: -2)
            case .timestamp(let timestamp): lookUp(request, timestamp)
            }
        case .listOffset(_, _, let timestamp): lookUp(request, timestamp)
        case .metadata(let topic):
            let token = RequestToken(raw: nextNumber())
            request.lookUp = token
            requests[token] = .direct(request)
            call(client.seat) {
                $0.metadata(token, topics: topic.map { [$0] }, now: now, &$1)
            }
        }
    }

    public func cancelDirect(_ id: DirectClientID, token: UInt64, now: Instant) {
        self.now = now
        guard let request = directClients[id]?.requests[token] else { return }
        fail(request, .cancelled)
    }

    /// The host has taken events of a subscription.
    public func taken(
        _ id: DirectClientID, token: UInt64, number: UInt64, bytes: Int, now: Instant
    ) {
        self.now = now
        guard let request = directClients[id]?.requests[token], request.number == number
        else { return }
        request.queuedBytes -= bytes
        pump(request)
    }

    // MARK: Reading

    private func begin(_ request: DirectRequest, at offset: Int64) {
        guard offset >= 0 else { return lookUp(request, offset) }
        request.offset = offset
        if request.isSubscription { follow(request, from: offset) } else { read(request) }
    }

    private func lookUp(_ request: DirectRequest, _ timestamp: Int64) {
        let (topic, partition) = request.place
        let token = RequestToken(raw: nextNumber())
        request.lookUp = token
        request.timestamp = timestamp
        requests[token] = .direct(request)
        call(request.client.seat) {
            $0.listOffset(
                token, topic: topic, partition: partition, timestamp: timestamp,
                isolation: request.isolation, now: now, &$1)
        }
    }

    private func read(_ request: DirectRequest) {
        guard let offset = request.offset else { return }
        let (topic, partition) = request.place
        var read = ReadRequest(
            topic: topic, partition: partition, offset: offset, maxBytes: request.maxBytes,
            isolation: request.isolation)
        if case .fetch(let fetch) = request.ask {
            let least = request.client.settings.fetch.minBytes
            let wanted = fetch.minBytes > 0 ? fetch.minBytes : least
            read.minBytes = min(wanted, request.maxBytes)
            let wait = fetch.maxWaitMilliseconds
            read.waitUntil = wait > 0 ? now.adding(milliseconds: wait) : nil
            if request.client.settings.fetch.reset == .nearest { read.reset = .nearest }
        }
        let token = ReadToken(raw: nextNumber())
        request.read = token
        reads[token] = .direct(request)
        call(request.client.seat) { $0.read(token, read, now: now, &$1) }
    }

    func finish(_ request: DirectRequest, _ outcome: ReadOutcome) {
        request.read = nil
        switch outcome {
        case .records(let slice):
            if let pieces = take(request, slice) {
                emit(request, slice, pieces)
            } else if mayTryAgain(request) {
                read(request)
            }
        case .empty(let position, let nextOffset):
            emit(request, records: 0, [], position, nextOffset)
        case .failed(let failure): fail(request, DirectFailure(failure))
        }
    }

    /// nil: they were evicted. They are read again, or the request has failed.
    private func take(_ request: DirectRequest, _ slice: RecordSlice) -> [HeldRecords]? {
        guard let pieces = held(slice) else {
            request.evictions += 1
            request.maxBytes = max(1, request.maxBytes / 4)
            return nil
        }
        request.evictions = 0
        counts.recordsOut &+= UInt64(slice.recordCount)
        return pieces
    }

    private func mayTryAgain(_ request: DirectRequest) -> Bool {
        if request.evictions <= Self.evictionsMax { return true }
        fail(
            request,
            DirectFailure(
                status: GatewayFault.limit.status,
                text: "the records were evicted before they were read: cache_bytes is too small"))
        return false
    }

    // MARK: Following

    private func follow(_ request: DirectRequest, from offset: Int64) {
        let cluster = request.client.seat.cluster
        let (topic, partition) = request.place
        let tag = followers.add(.direct(request))
        let follower = cluster.follow(
            FollowRequest(
                topic: topic, partition: partition, offset: offset, maxBytes: request.maxBytes,
                isolation: request.isolation, log: cluster.log(of: topic, partition)),
            tag: tag, credit: FollowCredit())
        request.follower = follower
        cluster.goOn(follower)
    }

    func told(_ request: DirectRequest, _ slice: RecordSlice) {
        guard let follower = request.follower else { return }
        let cluster = request.client.seat.cluster
        guard let pieces = take(request, slice) else {
            cluster.giveBack(follower, slice)
            follower.maxBytes = request.maxBytes
            if mayTryAgain(request) { cluster.goOn(follower) }
            return
        }
        request.queuedBytes += slice.byteCount + Self.directEventBytes
        emit(request, slice, pieces)
        if hasRoom(request) { cluster.goOn(follower) } else { cluster.rest(follower) }
    }

    func failed(_ request: DirectRequest, _ failure: KafkaFailure) {
        request.follower = nil
        fail(request, DirectFailure(failure))
    }

    /// Goes on where there is room in the host's queue.
    func pump(_ request: DirectRequest) {
        guard let follower = request.follower, hasRoom(request) else { return }
        request.client.seat.cluster.goOn(follower)
    }

    private func hasRoom(_ request: DirectRequest) -> Bool {
        guard case .subscribe(let subscribe) = request.ask else { return false }
        return request.queuedBytes <= subscribe.queueBytes
    }

    private func held(_ slice: RecordSlice) -> [HeldRecords]? {
        var pieces: [HeldRecords] = []
        var cursor = RecordCursor(slice)
        while !cursor.isAtEnd {
            guard let piece = workshop.cache.hold(&cursor) else { return nil }
            pieces.append(piece)
        }
        return pieces
    }

    private func emit(_ request: DirectRequest, _ slice: RecordSlice, _ pieces: [HeldRecords]) {
        emit(request, records: slice.recordCount, pieces, slice.position, slice.nextOffset)
    }

    private func emit(
        _ request: DirectRequest, records: Int, _ pieces: [HeldRecords],
        _ position: PartitionPosition, _ nextOffset: Int64
    ) {
        let (topic, partition) = request.place
        emit(
            request,
            .records(
                DirectRecords(
                    topic: topic, partition: partition, count: records, pieces: pieces,
                    highWatermark: position.highWatermark, nextOffset: nextOffset)),
            isLast: !request.isSubscription)
    }

    // MARK: Look-ups

    func finish(_ request: DirectRequest, _ result: Result<ListedOffset, KafkaFailure>) {
        request.lookUp = nil
        switch (result, request.ask) {
        case (.failure(let failure), _): fail(request, DirectFailure(failure))
        case (.success(let listed), .listOffset): emit(request, .offset(listed), isLast: true)
        case (.success(let listed), _) where listed.offset >= 0:
            begin(request, at: listed.offset)
        case (.success, _) where request.timestamp >= 0:
            // No record is as late as that: what comes from now on is.
            lookUp(request, -1)
        case (.success, _):
            fail(
                request,
                DirectFailure(
                    status: GatewayFault.protocolError.status,
                    text: "the broker does not tell where the log begins or ends"))
        }
    }

    func finish(_ request: DirectRequest, _ result: Result<[TopicDescription], KafkaFailure>) {
        request.lookUp = nil
        switch result {
        case .failure(let failure): fail(request, DirectFailure(failure))
        case .success(let topics):
            if case .metadata(_?) = request.ask, let failure = topics.first?.failure {
                return fail(request, DirectFailure(failure))
            }
            emit(request, .metadata(DirectMetadata.json(topics)), isLast: true)
        }
    }

    // MARK: Ends

    private func fail(_ request: DirectRequest, _ failure: DirectFailure) {
        let cluster = request.client.seat.cluster
        if let token = request.read {
            reads[token] = nil
            cluster.cancel(token)
        }
        if let follower = request.follower {
            followers.remove(follower.tag)
            cluster.detach(follower)
        }
        if let token = request.lookUp {
            requests[token] = nil
            cluster.cancel(token)
        }
        request.follower = nil
        request.read = nil
        request.lookUp = nil
        emit(request, .failed(failure), isLast: true)
    }

    private func emit(_ request: DirectRequest, _ content: DirectEvent.Content, isLast: Bool) {
        if isLast { request.client.requests[request.token] = nil }
        effects.append(
            .direct(
                DirectEvent(
                    client: request.client.id, token: request.token, number: request.number,
                    kind: request.kind, content: content, isLast: isLast)))
    }
}
