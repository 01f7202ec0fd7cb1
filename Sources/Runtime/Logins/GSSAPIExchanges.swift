import Cyrus
import KafkaCore
import SASL
import Synchronization

/// The exchanges with Kerberos of one loop's logins, for the thread that may wait for the KDC.
final class GSSAPIExchanges: Sendable {
    private struct State {
        var clients: [BrokerConnectionID: Client] = [:]
    }

    /// Sendable: one piece of work of a connection is done at a time.
    private final class Client: @unchecked Sendable {
        let cyrus: CyrusClient
        init(_ cyrus: CyrusClient) { self.cyrus = cyrus }
    }

    private let state = Mutex(State())

    func perform(_ id: BrokerConnectionID, _ step: GSSAPIStep) -> LoginWork.Result {
        do throws(CyrusError) {
            let (token, isComplete) = try next(id, step)
            return .gssapi(token, isComplete: isComplete)
        } catch {
            return .failed(error.text)
        }
    }

    private func next(
        _ id: BrokerConnectionID, _ step: GSSAPIStep
    ) throws(CyrusError) -> (token: [UInt8], isComplete: Bool) {
        switch step {
        case .begin(let service, let host):
            let client = Client(try CyrusClient(service: service, host: host))
            state.withLock { $0.clients[id] = client }
            return try client.cyrus.start()
        case .answer(let token):
            // nil: the connection was closed meanwhile, and nobody waits.
            guard let client = state.withLock({ $0.clients[id] }) else { return ([], false) }
            return try client.cyrus.answer(token)
        }
    }

    /// The connection is closed. From any thread; it waits for nobody.
    func end(_ id: BrokerConnectionID) {
        _ = state.withLock { $0.clients.removeValue(forKey: id) }
    }
}
