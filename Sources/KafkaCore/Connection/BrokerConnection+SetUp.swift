import Bytes
import KafkaProtocol
import SASL
import Timing

/// Between the machine of the set-up and the bytes of its requests.
extension BrokerConnection {
    /// TCP and TLS are up.
    func begin() throws(KafkaFailure) {
        _ = try take(.opened(usesOldest: memory[endpoint].usesOldestApiVersions))
    }

    func reauthenticate() throws(KafkaFailure) {
        _ = try take(.reauthenticate)
    }

    /// What was to be computed.
    func worked(_ result: LoginWork.Result) throws(KafkaFailure) {
        guard let work else { return }
        self.work = nil
        memory.keep(result, of: work)
        _ = try take(.worked(result))
    }

    /// The answer to a request of the set-up.
    func takeSetUp(
        _ reader: inout ByteReader, _ answered: Pipeline.Request
    ) throws(KafkaFailure) -> Arrival {
        switch answered.apiKey {
        case ApiVersionsRequest.apiKey:
            return try takeVersions(&reader, answered)
        case SaslHandshakeRequest.apiKey:
            let response = try decode(SaslHandshakeResponse.self, &reader, answered)
            return try take(.mechanisms(response))
        default:
            let response = try decode(SaslAuthenticateResponse.self, &reader, answered)
            return try take(.token(response))
        }
    }

    private func takeVersions(
        _ reader: inout ByteReader, _ answered: Pipeline.Request
    ) throws(KafkaFailure) -> Arrival {
        memory.noteVersions(endpoint)
        // Its code comes first in every version, and is believed whatever the rest may be.
        var peek = reader
        let refusal = KafkaError.unsupportedVersion.rawValue
        if let code = try? peek.int16(), code == refusal {
            context.counters.ended(ApiVersionsRequest.apiKey, .answered(code))
            return try take(.versionRefused(supported: Self.supported(reader)))
        }
        let response = try decode(ApiVersionsResponse.self, &reader, answered)
        if response.errorCode == 0 {
            throttle(response.throttleTimeMilliseconds, isOurs: answered.version >= 2)
        }
        return try take(.versions(response))
    }

    /// KIP-511: the refusal of a version has the body of version 0.
    private static func supported(_ reader: ByteReader) -> Int16? {
        var reader = reader
        let response = try? ApiVersionsResponse.decode(&reader, version: 0)
        return response?.apiKeys.first { $0.apiKey == ApiVersionsRequest.apiKey }?.maxVersion
    }

    private func take(_ event: ConnectionSetUp.Event) throws(KafkaFailure) -> Arrival {
        switch try setUp.take(event, now: context.now, &context.random) {
        case .askVersions(let request, let version):
            sendSetUp(request, version: version)
        case .offerMechanism(let request, let version):
            sendSetUp(request, version: version)
        case .sendToken(let request, let version):
            sendSetUp(request, version: version)
        case .work(let work):
            if let known = memory.result(of: work) { return try take(.worked(known)) }
            self.work = work
            context.emit(.work(id, work))
        case .ready: return .ready
        }
        return .nothing
    }

    private func sendSetUp<R: KafkaRequest>(_ request: R, version: Int16) {
        let limit = context.settings.connectTimeoutMilliseconds
        let left = hasSetUp ? limit : min(limit, setupDeadline.milliseconds(since: context.now))
        send(request, version: version, for: nil, timeoutMilliseconds: left)
    }
}
