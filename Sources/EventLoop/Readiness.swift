import CShims

/// What a registration waits for. Level-triggered: what is not taken is reported again.
public struct Interest: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let read = Interest(rawValue: UInt32(cshims_epoll_readable))
    public static let write = Interest(rawValue: UInt32(cshims_epoll_writable))
    /// The peer's end of stream, for a socket that is not read from for now.
    public static let readHangup = Interest(rawValue: UInt32(cshims_epoll_read_hangup))
}

/// What a descriptor is ready for.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let readable = Readiness(rawValue: UInt32(cshims_epoll_readable))
    public static let writable = Readiness(rawValue: UInt32(cshims_epoll_writable))
    public static let readHangup = Readiness(rawValue: UInt32(cshims_epoll_read_hangup))
    /// An error or a hang-up in both directions. Reported whatever the interest is, turn after
    /// turn: read or write to learn the reason, and give the registration up.
    public static let failed = Readiness(
        rawValue: UInt32(cshims_epoll_error | cshims_epoll_hangup))

    /// True when any of `other` is set.
    public func contains(any other: Readiness) -> Bool { !isDisjoint(with: other) }
}

/// Who is told when a descriptor is ready.
public protocol ReadinessHandler: AnyObject {
    /// On the loop's thread. The handler may add, modify and remove any registration, its own too.
    func ready(_ readiness: Readiness)

    /// Whether the descriptor is still the one that was registered: somebody else in the process
    /// may have closed it, and got its number for something of his own.
    var isIntact: Bool { get }

    /// Where more are ready than a turn takes, those with a low one are told before: below 64.
    var rank: UInt8 { get }
}

extension ReadinessHandler {
    public var rank: UInt8 { 0 }
    public var isIntact: Bool { true }
}

/// One descriptor in a loop. A registration that was removed is never told of again, even if an
/// event for it was already fetched.
public struct Registration: Hashable, Sendable {
    let slot: UInt32
    let generation: UInt32

    var data: UInt64 { UInt64(generation) << 32 | UInt64(slot) }

    init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    init(data: UInt64) {
        self.init(
            slot: UInt32(truncatingIfNeeded: data),
            generation: UInt32(truncatingIfNeeded: data >> 32))
    }
}
