import Bytes

/// Severity of what a cluster tells its host.
public enum LogLevel: Int, Comparable, Sendable {
    case debug, info, warning, error

    public static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// PBKDF2 for a SCRAM login, to be computed off the loop: up to a million rounds of HMAC.
public struct KeyDerivation: Sendable {
    /// SHA-512, else SHA-256.
    public var isSHA512: Bool
    /// Already prepared (SASLprep).
    public var password: [UInt8]
    public var salt: [UInt8]
    public var iterations: Int

    public init(isSHA512: Bool, password: [UInt8], salt: [UInt8], iterations: Int) {
        self.isSHA512 = isSHA512
        self.password = password
        self.salt = salt
        self.iterations = iterations
    }
}

/// What the driver of a cluster has to do, in order. No effect of a connection follows its `close`.
public enum ClusterEffect {
    /// Resolve, connect (trying every address, KIP-302), shake hands; then `opened` or `closed`.
    case connect(BrokerConnectionID, Endpoint, TLSSettings?)
    /// One whole request frame.
    case send(BrokerConnectionID, ByteBlock)
    /// Close without a further event.
    case close(BrokerConnectionID)
    /// Answer with `derived`.
    case derive(BrokerConnectionID, KeyDerivation)
    case readFinished(ReadToken, ReadOutcome)
    case offsetFinished(RequestToken, Result<ListedOffset, KafkaFailure>)
    case metadataFinished(RequestToken, Result<[TopicDescription], KafkaFailure>)
    case log(LogLevel, String)
}
