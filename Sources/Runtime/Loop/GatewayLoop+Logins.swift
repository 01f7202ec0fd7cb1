import EventLoop
import KafkaCore
import SASL
import Synchronization

// What logins cannot do on the loop: it is done on helper threads, or by the host.
extension GatewayLoop {
    func work(_ id: BrokerConnectionID, _ work: LoginWork) {
        guard let broker = brokers[id] else { return }
        switch work {
        case .derive(let derivation):
            submit(broker, to: helpers.deriver) { .key(derivation.saltedPassword()) }
        case .read(let file):
            let files = gateway.files
            submit(broker, to: helpers.files) {
                do throws(SecretFiles.Unreadable) {
                    return .secret(try files.secret(file))
                } catch {
                    return .failed(error.text)
                }
            }
        case .token(let name): broker.awaitToken(name) { [unowned self] in worked(id, $0) }
        case .gssapi(let step):
            let exchanges = exchanges
            submit(broker, to: helpers.kerberos) { exchanges.perform(id, step) }
        }
    }

    private func submit(
        _ broker: BrokerSocket, to thread: WorkerThread,
        _ body: @escaping @Sendable () -> LoginWork.Result
    ) {
        let mailbox = loop.mailbox
        let driver = LoopBound(self)
        let (id, wish) = (broker.id, broker.wish)
        let isAccepted = thread.submit {
            // Behind a slow one, what was asked for may be nobody's any more.
            guard wish.isSet else { return }
            let result = body()
            mailbox.post { driver.value.worked(id, result) }
        }
        guard !isAccepted else { return }
        // Asked from within the engine's effects: the answer comes in a later turn.
        mailbox.post {
            driver.value.brokerFailed(
                id, ConnectionFailure(.unreachable, "too many logins wait for their thread"))
        }
    }

    private func worked(_ id: BrokerConnectionID, _ result: LoginWork.Result) {
        guard brokers[id] != nil else { return }
        engine.brokerWorked(id, result, now: loop.now)
        perform()
    }
}

/// Whether somebody still waits for what another thread does.
final class Wish: Sendable {
    private let flag = Atomic<Bool>(true)

    var isSet: Bool { flag.load(ordering: .relaxed) }
    func end() { flag.store(false, ordering: .relaxed) }
}
