/// What a SCRAM peer may ask of us before it has proved anything.
public enum ScramLimits {
    /// Below 4096 a captured login is too cheap to guess (RFC 7677 section 4); a million already
    /// takes about a second of one core, and without an upper bound a hostile server could keep
    /// the key thread busy for minutes.
    public static let iterations = 4096...1_000_000
    /// Bytes. Kafka's own messages have 60 to 200.
    public static let messageBytesMax = 4096
    /// Random bytes behind a nonce: 144 bits.
    public static let nonceBytes = 18
}
