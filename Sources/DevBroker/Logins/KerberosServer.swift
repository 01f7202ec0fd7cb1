import Cyrus
import SASL

/// The server side of GSSAPI, by Cyrus's library. Its key comes from the keytab that the process's
/// environment names.
final class KerberosServer {
    private let cyrus: CyrusServer?

    /// - Parameter host: the name in the principal `service/host@REALM`.
    init(service: String, host: String) {
        cyrus = try? CyrusServer(service: service, host: host)
    }

    func receive(_ message: [UInt8]) throws(SASLError) -> SASLServer.Step {
        guard let cyrus, let step = try? cyrus.answer(message) else { throw .wrongCredentials }
        guard step.isComplete else { return .challenge(step.token) }
        guard let user = cyrus.user else { throw .wrongCredentials }
        return .done(username: user, message: step.token)
    }
}
