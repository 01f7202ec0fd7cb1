/// What one connection may make us hold.
public struct FrameLimits: Equatable, Sendable {
    /// Bytes of one message, checked from the header of each frame on and again while the message
    /// is inflated. Default: Kafka's largest record batch (1 MiB) and 64 KiB for what is around it.
    public var messageBytesMax: Int

    /// What each frame of a fragmented message counts beside its payload, which has a budget of
    /// `messageBytesMax` of its own: a peer that sends empty fragments for ever costs time and no
    /// memory. Default: 256, so that 4 MiB in fragments of 64 bytes fit in a limit of 16 MiB.
    public var fragmentChargeBytes: Int

    public init(messageBytesMax: Int = 1_114_112, fragmentChargeBytes: Int = 256) {
        precondition(messageBytesMax >= 0 && fragmentChargeBytes > 0)
        self.messageBytesMax = messageBytesMax
        self.fragmentChargeBytes = fragmentChargeBytes
    }

    /// Frames that one message may be cut into.
    var fragmentsMax: Int { max(16, messageBytesMax / fragmentChargeBytes) }
}
