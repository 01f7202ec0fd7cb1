import Bytes
import KafkaMirror
import KafkaProtocol
import Timing

/// From the bytes of a request to its handler.
extension BrokerCluster {
    /// Takes one frame without its length.
    func handle(
        _ frame: UnsafeRawBufferPointer, _ connection: ClientConnection, now: Instant
    ) {
        if let exchange = connection.exchange, !exchange.isWrapped {
            return bareToken(frame, exchange, connection, now: now)
        }
        var reader = ByteReader(frame)
        guard let header = try? RequestHeader.decode(&reader) else { return close(connection) }
        count(header, connection)
        let context = RequestContext(header: header, connection: connection, now: now)
        takeFaults(context)
        charge(frame.count, context)
        connection.isBusy = true
        switch outcome(&reader, context) {
        case .reply(let frame): finish(frame, context, now: now)
        case .nothing:
            answered(connection, throttled: context.throttleMilliseconds, now: now)
        case .later: break
        case .close: close(connection)
        }
    }

    /// Takes a request off its client's quotas.
    private func charge(_ byteCount: Int, _ context: RequestContext) {
        let (clientID, now) = (context.header.clientID, context.now)
        var throttle = quotas.take(1, .request, clientID: clientID, now: now)
        if context.header.apiKey == ProduceRequest.apiKey {
            throttle = max(
                throttle, quotas.take(byteCount, .produce, clientID: clientID, now: now))
        }
        context.throttleMilliseconds = max(context.throttleMilliseconds, throttle)
    }

    private func count(_ header: RequestHeader, _ connection: ClientConnection) {
        connection.broker.counters.requests[header.apiKey, default: 0] += 1
        connection.facts.requests[header.apiKey, default: 0] += 1
        connection.facts.clientID = header.clientID
    }

    private func outcome(_ reader: inout ByteReader, _ context: RequestContext) -> Outcome {
        guard mayAsk(context) else { return .close }
        guard let versions = served(context.header.apiKey), versions.contains(context.version)
        else {
            return context.header.apiKey == ApiVersionsRequest.apiKey
                ? unsupportedApiVersions(context) : .close
        }
        do {
            return try dispatch(&reader, context)
        } catch {
            return .close
        }
    }

    /// The versions of an API that this cluster advertises; nil if it has none.
    ///
    /// KIP-896 left Produce 0-2 advertised but not served: librdkafka looked at it.
    func served(_ apiKey: Int16) -> ClosedRange<Int16>? {
        guard let versions = advertised.first(where: { $0.key == apiKey })?.versions else {
            return nil
        }
        let isModernProduce = apiKey == ProduceRequest.apiKey && settings.profile == .kafka4_1
        return isModernProduce ? 3...versions.upperBound : versions
    }

    /// The APIs of the profile that the mirror speaks.
    var advertised: [(key: Int16, versions: ClosedRange<Int16>)] {
        settings.profile.released.filter { KafkaAPI.with(key: $0.key) != nil }
    }

    private func dispatch(
        _ r: inout ByteReader, _ context: RequestContext
    ) throws(BytesError) -> Outcome {
        let v = context.version
        switch context.header.apiKey {
        case 0: return produce(try .decode(&r, version: v), frame: r.bytes, context)
        case 1: return fetch(try .decode(&r, version: v), context)
        case 2: return listOffsets(try .decode(&r, version: v), context)
        case 3: return metadata(try .decode(&r, version: v), context)
        case 8...16: return try dispatchGroup(&r, context)
        case 17: return saslHandshake(try .decode(&r, version: v), context)
        case 18: return apiVersions(try .decode(&r, version: v), context)
        case 19: return createTopics(try .decode(&r, version: v), context)
        case 20: return deleteTopics(try .decode(&r, version: v), context)
        case 21: return deleteRecords(try .decode(&r, version: v), context)
        case 22: return initProducerID(try .decode(&r, version: v), context)
        case 23: return offsetForLeaderEpoch(try .decode(&r, version: v), context)
        case 24: return addPartitionsToTransaction(try .decode(&r, version: v), context)
        case 25: return addOffsetsToTransaction(try .decode(&r, version: v), context)
        case 26: return endTransaction(try .decode(&r, version: v), context)
        case 28: return transactionOffsetCommit(try .decode(&r, version: v), context)
        case 32: return describeConfigs(try .decode(&r, version: v), context)
        case 36: return saslAuthenticate(try .decode(&r, version: v), context)
        case 37: return createPartitions(try .decode(&r, version: v), context)
        case 60: return describeCluster(try .decode(&r, version: v), context)
        default: return .close
        }
    }

    private func dispatchGroup(
        _ r: inout ByteReader, _ context: RequestContext
    ) throws(BytesError) -> Outcome {
        let v = context.version
        switch context.header.apiKey {
        case 8: return offsetCommit(try .decode(&r, version: v), context)
        case 9: return offsetFetch(try .decode(&r, version: v), context)
        case 10: return findCoordinator(try .decode(&r, version: v), context)
        case 11: return joinGroup(try .decode(&r, version: v), context)
        case 12: return heartbeat(try .decode(&r, version: v), context)
        case 13: return leaveGroup(try .decode(&r, version: v), context)
        case 14: return syncGroup(try .decode(&r, version: v), context)
        case 15: return describeGroups(try .decode(&r, version: v), context)
        case 16: return listGroups(try .decode(&r, version: v), context)
        default: return .close
        }
    }
}
