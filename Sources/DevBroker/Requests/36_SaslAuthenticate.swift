import Bytes
import KafkaMirror
import KafkaProtocol
import SASL
import Timing

/// SaslHandshake and SaslAuthenticate, and what is allowed before.
extension BrokerCluster {
    var requiresLogin: Bool { !settings.users.mechanisms.isEmpty }

    /// Before a login only these three; after its time has run out (KIP-368) too.
    func mayAsk(_ context: RequestContext) -> Bool {
        guard requiresLogin else { return true }
        switch context.header.apiKey {
        case SaslHandshakeRequest.apiKey, SaslAuthenticateRequest.apiKey,
            ApiVersionsRequest.apiKey:
            return true
        default:
            guard let login = context.connection.login else { return false }
            return login.expires.map { context.now < $0 } ?? true
        }
    }

    func saslHandshake(_ request: SaslHandshakeRequest, _ context: RequestContext) -> Outcome {
        var response = SaslHandshakeResponse()
        guard requiresLogin else {
            response.errorCode = KafkaError.illegalSaslState.rawValue
            return context.reply(response)
        }
        response.mechanisms = settings.users.mechanisms.map(\.rawValue)
        if let code = context.injectedError() {
            response.errorCode = code
            context.closesAfterwards = true
        } else if let mechanism = SASLMechanism(rawValue: request.mechanism),
            settings.users.mechanisms.contains(mechanism)
        {
            context.connection.exchange = SASLExchange(
                mechanism: mechanism, isWrapped: context.version >= 1,
                server: SASLServer(mechanism, users: settings.users, nonces()))
        } else {
            response.errorCode = KafkaError.unsupportedSaslMechanism.rawValue
            context.closesAfterwards = true
        }
        return context.reply(response)
    }

    /// Of this cluster's seed, so that a run can be replayed.
    private func nonces() -> NonceSource {
        let bytes = (0..<ScramLimits.nonceBytes).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        return NonceSource { Array(bytes.prefix($0)) }
    }

    func saslAuthenticate(
        _ request: SaslAuthenticateRequest, _ context: RequestContext
    ) -> Outcome {
        var response = SaslAuthenticateResponse()
        guard context.connection.exchange != nil else {
            response.errorCode = KafkaError.illegalSaslState.rawValue
            response.errorMessage =
                "SaslAuthenticate request received after successful authentication"
            return context.reply(response)
        }
        do throws(SASLError) {
            if let code = context.injectedError() {
                response.errorCode = code
                response.errorMessage = KafkaError(code).name
                context.closesAfterwards = true
                return context.reply(response)
            }
            let step = try advanceLogin(request.authBytes, context.connection, now: context.now)
            response.authBytes = step.answer
            if step.isDone {
                response.sessionLifetimeMilliseconds = settings.sessionLifetimeMilliseconds
            }
        } catch {
            response.errorCode = KafkaError.saslAuthenticationFailed.rawValue
            response.errorMessage = refusal(context.connection.exchange?.mechanism)
            context.connection.exchange = nil
            context.closesAfterwards = true
        }
        return context.reply(response)
    }

    /// The words of real brokers, by which people search.
    private func refusal(_ mechanism: SASLMechanism?) -> String {
        guard let mechanism, mechanism != .plain else {
            return "Authentication failed: Invalid username or password"
        }
        return "Authentication failed during authentication due to invalid credentials with "
            + "SASL mechanism \(mechanism.rawValue)"
    }

    private func advanceLogin(
        _ token: [UInt8], _ connection: ClientConnection, now: Instant
    ) throws(SASLError) -> (answer: [UInt8], isDone: Bool) {
        guard var exchange = connection.exchange else { throw .unexpectedMessage }
        switch try exchange.server.receive(token) {
        case .challenge(let challenge):
            connection.exchange = exchange
            return (challenge, false)
        case .done(let username, let message):
            let lifetime = settings.sessionLifetimeMilliseconds
            connection.exchange = nil
            connection.login = .init(
                username: username,
                expires: lifetime > 0 ? now.adding(milliseconds: lifetime) : nil)
            connection.facts.user = username
            return (message, true)
        }
    }

    /// After SaslHandshake v0 tokens are frames without a header; a refusal is a closed
    /// connection.
    func bareToken(
        _ token: UnsafeRawBufferPointer, _ exchange: SASLExchange, _ connection: ClientConnection,
        now: Instant
    ) {
        do throws(SASLError) {
            let step = try advanceLogin([UInt8](token), connection, now: now)
            var writer = ByteWriter(capacity: step.answer.count + 4)
            writer.int32(Int32(step.answer.count))
            writer.bytes(step.answer)
            effects.append(.send(connection.id, writer.take()))
        } catch {
            close(connection)
        }
    }
}
