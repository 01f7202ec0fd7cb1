/// What a peer may send before it is anybody. The head also has one deadline as a whole, which is
/// the driver's.
public struct UpgradeLimits: Equatable, Sendable {
    /// Bytes of one header line. Default 8 KiB, as the usual proxies.
    public var lineBytesMax: Int
    /// Bytes of the request line; a longer one is answered 414. Default 8 KiB.
    public var requestLineBytesMax: Int
    /// Header lines. Default 128.
    public var headerCountMax: Int
    /// Bytes of the whole head. Default 32 KiB: four lines of the largest size.
    public var headBytesMax: Int
    /// Names in Sec-WebSocket-Protocol, and offers in Sec-WebSocket-Extensions. Default 32.
    public var offerCountMax: Int

    public init(
        lineBytesMax: Int = 8_192, requestLineBytesMax: Int = 8_192, headerCountMax: Int = 128,
        headBytesMax: Int = 32_768, offerCountMax: Int = 32
    ) {
        self.lineBytesMax = lineBytesMax
        self.requestLineBytesMax = requestLineBytesMax
        self.headerCountMax = headerCountMax
        self.headBytesMax = headBytesMax
        self.offerCountMax = offerCountMax
    }
}
