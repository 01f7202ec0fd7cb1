import Bytes
import KafkaProtocol
import SASL
import Timing

/// Between the machine of the set-up and the bytes of its requests.
extension BrokerConnection {
    /// TCP and TLS are up.
    func begin(now: Instant, _ cluster: Cluster) throws(KafkaFailure) {
        let usesOldest = cluster.quirks[broker.endpoint]?.usesOldestApiVersions ?? false
        _ = try take(.opened(usesOldest: usesOldest), now: now, cluster)
    }

    func reauthenticate(now: Instant, _ cluster: Cluster) throws(KafkaFailure) {
        _ = try take(.reauthenticate, now: now, cluster)
    }

    func derived(
        _ saltedPassword: [UInt8], now: Instant, _ cluster: Cluster
    ) throws(KafkaFailure) {
        _ = try take(.worked(.key(saltedPassword)), now: now, cluster)
    }

    /// The answer to a request of the set-up.
    func takeSetUp(
        _ reader: inout ByteReader, _ answered: Pipeline.Request, now: Instant, _ cluster: Cluster
    ) throws(KafkaFailure) -> Arrival {
        switch answered.apiKey {
        case ApiVersionsRequest.apiKey:
            return try takeVersions(&reader, answered, now: now, cluster)
        case SaslHandshakeRequest.apiKey:
            let response = try decode(SaslHandshakeResponse.self, &reader, answered, cluster)
            return try take(.mechanisms(response), now: now, cluster)
        default:
            let response = try decode(SaslAuthenticateResponse.self, &reader, answered, cluster)
            return try take(.token(response), now: now, cluster)
        }
    }

    private func takeVersions(
        _ reader: inout ByteReader, _ answered: Pipeline.Request, now: Instant, _ cluster: Cluster
    ) throws(KafkaFailure) -> Arrival {
        cluster.speaksAsWe = true
        cluster.quirks[broker.endpoint, default: EndpointQuirks()].noteAnswer()
        // Its code comes first in every version, and is believed whatever the rest may be.
        var peek = reader
        let refusal = KafkaError.unsupportedVersion.rawValue
        if let code = try? peek.int16(), code == refusal {
            cluster.counters.ended(ApiVersionsRequest.apiKey, .answered(code))
            return try take(
                .versionRefused(supported: Self.supported(reader)), now: now, cluster)
        }
        let response = try decode(ApiVersionsResponse.self, &reader, answered, cluster)
        if response.errorCode == 0 {
            let isOurs = answered.version >= 2
            cluster.throttle(self, response.throttleTimeMilliseconds, isOurs: isOurs)
        }
        return try take(.versions(response), now: now, cluster)
    }

    /// KIP-511: the refusal of a version has the body of version 0.
    private static func supported(_ reader: ByteReader) -> Int16? {
        var reader = reader
        let response = try? ApiVersionsResponse.decode(&reader, version: 0)
        return response?.apiKeys.first { $0.apiKey == ApiVersionsRequest.apiKey }?.maxVersion
    }

    private func take(
        _ event: ConnectionSetUp.Event, now: Instant, _ cluster: Cluster
    ) throws(KafkaFailure) -> Arrival {
        switch try setUp.take(event, now: now, &cluster.random) {
        case .askVersions(let request, let version):
            sendSetUp(request, version: version, now: now, cluster)
        case .offerMechanism(let request, let version):
            sendSetUp(request, version: version, now: now, cluster)
        case .sendToken(let request, let version):
            sendSetUp(request, version: version, now: now, cluster)
        case .work(.derive(let derivation)):
            if let known = cluster.derivedKeys[derivation] {
                return try take(.worked(.key(known)), now: now, cluster)
            }
            cluster.derivations[id] = derivation
            cluster.emit(.derive(id, derivation))
        case .ready: return .ready
        }
        return .nothing
    }

    private func sendSetUp<R: KafkaRequest>(
        _ request: R, version: Int16, now: Instant, _ cluster: Cluster
    ) {
        let limit = settings.connectTimeoutMilliseconds
        let left = hasSetUp ? limit : min(limit, setupDeadline.milliseconds(since: now))
        send(
            request, version: version, for: nil, timeoutMilliseconds: left, now: now, cluster)
    }
}
