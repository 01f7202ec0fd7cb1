import Bytes
import KafkaMirror
import KafkaProtocol
import SASL
import Timing

/// SaslHandshake and SaslAuthenticate, and what is allowed before.
extension BrokerCluster {
    var requiresLogin: Bool { !mechanisms.isEmpty }

    private var mechanisms: [SASLMechanism] {
        settings.users.mechanisms + (settings.tokens.isEmpty ? [] : [.oauthBearer])
            + (settings.kerberosHost == nil ? [] : [.gssapi])
    }

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
        response.mechanisms = mechanisms.map(\.rawValue)
        if let code = context.injectedError() {
            response.errorCode = code
            context.closesAfterwards = true
        } else if let mechanism = SASLMechanism(rawValue: request.mechanism),
            mechanisms.contains(mechanism)
        {
            context.connection.exchange = SASLExchange(
                mechanism: mechanism, isWrapped: context.version >= 1,
                server: server(mechanism))
        } else {
            response.errorCode = KafkaError.unsupportedSaslMechanism.rawValue
            context.closesAfterwards = true
        }
        return context.reply(response)
    }

    private func server(_ mechanism: SASLMechanism) -> ServerLogin {
        switch mechanism {
        case .oauthBearer: .bearer(BearerServer(tokens))
        case .gssapi:
            .kerberos(KerberosServer(service: "kafka", host: settings.kerberosHost ?? ""))
        default: .password(SASLServer(mechanism, users: settings.users, nonces()))
        }
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
            if step.isDone, let end = context.connection.login?.expires {
                response.sessionLifetimeMilliseconds = end.milliseconds(since: context.now)
            }
        } catch {
            response.errorCode = KafkaError.saslAuthenticationFailed.rawValue
            response.errorMessage =
                context.connection.exchange?.server.words
                ?? refusal(context.connection.exchange?.mechanism)
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
        // Its words are asked for after a refusal, too.
        defer { if connection.exchange != nil { connection.exchange = exchange } }
        let step = try exchange.server.receive(
            token, now: now, epochMilliseconds: wallClock(now))
        switch step {
        case .challenge(let challenge): return (challenge, false)
        case .done(let username, let message):
            connection.exchange = nil
            guard username == connection.login?.username ?? username else {
                // KIP-368: "Cannot change principals during re-authentication".
                throw .wrongCredentials
            }
            connection.login = .init(
                username: username, expires: end(of: exchange.server.expires, now))
            connection.facts.user = username
            connection.facts.extensions = exchange.server.extensions
            return (message, true)
        }
    }

    /// The sooner of the cluster's limit and the token's end; nil: never.
    private func end(of token: Instant?, _ now: Instant) -> Instant? {
        let lifetime = settings.sessionLifetimeMilliseconds
        let limit = lifetime > 0 ? now.adding(milliseconds: lifetime) : nil
        guard let limit, let token else { return limit ?? token }
        return min(limit, token)
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
