/// The users that a server knows. SCRAM keys are derived when a user is added, not at login.
public struct SASLUsers: Sendable {
    private var passwords: [String: String] = [:]
    private var scram: [SASLMechanism: [String: ScramCredential]] = [:]
    private var tokens: [SASLMechanism: [String: ScramCredential]] = [:]
    private var tokenOwners: [String: String] = [:]
    /// In the order in which they were enabled: brokers list them in a handshake's answer.
    public private(set) var mechanisms: [SASLMechanism] = []

    public init() {}

    public mutating func add(
        _ username: String, password: String,
        mechanisms: [SASLMechanism] = SASLMechanism.ofPasswords
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

    /// KIP-48: whoever shows the token's HMAC by SCRAM is its owner.
    public mutating func addDelegationToken(_ id: String, hmac: String, owner: String) {
        tokenOwners[id] = owner
        for mechanism in SASLMechanism.ofPasswords where mechanism != .plain {
            if !mechanisms.contains(mechanism) { mechanisms.append(mechanism) }
            tokens[mechanism, default: [:]][id] = ScramCredential(
                mechanism: mechanism, password: hmac)
        }
    }

    /// A mechanism whose users this does not know.
    public mutating func enable(_ mechanism: SASLMechanism) {
        if !mechanisms.contains(mechanism) { mechanisms.append(mechanism) }
    }

    func owner(ofToken id: String) -> String? { tokenOwners[id] }

    func tokenCredential(of id: String, _ mechanism: SASLMechanism) -> ScramCredential? {
        tokens[mechanism]?[id]
    }

    func plainPassword(of username: String) -> String? { passwords[username] }

    func scramCredential(of username: String, _ mechanism: SASLMechanism) -> ScramCredential? {
        scram[mechanism]?[username]
    }
}
