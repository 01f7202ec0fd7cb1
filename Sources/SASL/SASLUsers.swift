/// The users that a server knows. SCRAM keys are derived when a user is added, not at login.
public struct SASLUsers: Sendable {
    private var passwords: [String: String] = [:]
    private var scram: [SASLMechanism: [String: ScramCredential]] = [:]
    /// In the order in which they were enabled: brokers list them in a handshake's answer.
    public private(set) var mechanisms: [SASLMechanism] = []

    public init() {}

    public mutating func add(
        _ username: String, password: String, mechanisms: [SASLMechanism] = SASLMechanism.allCases
    ) {
        for mechanism in mechanisms {
            if !self.mechanisms.contains(mechanism) { self.mechanisms.append(mechanism) }
            if mechanism == .plain {
                passwords[username] = password
            } else {
                scram[mechanism, default: [:]][username] = ScramCredential(
                    mechanism: mechanism, password: password)
            }
        }
    }

    func plainPassword(of username: String) -> String? { passwords[username] }

    func scramCredential(of username: String, _ mechanism: SASLMechanism) -> ScramCredential? {
        scram[mechanism]?[username]
    }
}
