import SASL

/// The steps of a login one by one, for mechanisms that have them.
extension Login {
    public mutating func start() throws(SASLError) -> [UInt8] { try sent(.begin) }

    public mutating func receive(_ token: [UInt8]) throws(SASLError) -> Step {
        try take(.token(token))
    }

    public mutating func worked(_ work: ScramDerivation) throws(SASLError) -> [UInt8] {
        try sent(.worked(.key(work.saltedPassword())))
    }

    private mutating func sent(_ event: Event) throws(SASLError) -> [UInt8] {
        guard case .send(let token) = try take(event) else { throw .unexpectedMessage }
        return token
    }
}
