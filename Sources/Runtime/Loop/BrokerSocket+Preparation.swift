import EventLoop
import KafkaCore
import SASL

// Before anything is sent: the host's token, and the files of TLS.
extension BrokerSocket {
    /// What has to be there before anything is sent.
    func prepare() {
        if let name = settings.sasl?.hostToken {
            awaitFirstToken(name)
        } else {
            readFiles()
        }
    }

    private func awaitFirstToken(_ name: String) {
        let limit = min(
            driver.limits.connectTimeoutMilliseconds, settings.connectTimeoutMilliseconds)
        // Sooner than whoever only knows that there is no connection.
        let patience = loop.schedule(afterMilliseconds: limit / 10 * 9) { [unowned self] in
            fail(.credentials, "the host has not brought the token \"\(name)\" in time")
        }
        self.patience = patience
        awaitToken(name) { [unowned self] result in
            endPatience()
            if case .failed(let reason) = result { return fail(.credentials, reason) }
            readFiles()
        }
    }

    private func endPatience() {
        if let patience { loop.cancel(patience) }
        patience = nil
    }

    /// Nobody waits for what another thread or the host does for it.
    func endPreparation() {
        endPatience()
        wish.end()
        if settings.sasl?.mechanism == .gssapi { driver.exchanges.end(id) }
        if let token { driver.gateway.tokens.withdraw(token.name, token.ticket) }
        token = nil
    }

    /// `then` is called in a later turn, unless this is closed before.
    func awaitToken(_ name: String, then: @escaping (LoginWork.Result) -> Void) {
        let mailbox = loop.mailbox
        let broker = LoopBound(self)
        let action = LoopBound(then)
        let ticket = driver.gateway.tokens.want(name) { result in
            mailbox.post {
                guard broker.value.phase != .closed else { return }
                broker.value.token = nil
                action.value(result)
            }
        }
        token = (name, ticket)
    }

    private func readFiles() {
        guard let tls, !tls.files.isEmpty else { return resolve() }
        let (files, mailbox, wish) = (driver.gateway.files, loop.mailbox, wish)
        let broker = LoopBound(self)
        let isAccepted = driver.helpers.files.submit {
            guard wish.isSet else { return }
            let result = files.read(tls)
            mailbox.post { broker.value.filesRead(result) }
        }
        if !isAccepted {
            mailbox.post { broker.value.filesRead(.failure("too many connections wait for files")) }
        }
    }

    private func filesRead(_ result: SecretFiles.TLSResult) {
        guard phase == .preparing else { return }
        switch result {
        case .read(let settings):
            tls = settings
            resolve()
        case .failure(let text): fail(.credentials, text)
        }
    }
}
