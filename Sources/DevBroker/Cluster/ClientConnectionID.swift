/// A client's connection to one broker of the cluster; never used twice.
public struct ClientConnectionID: Hashable, Sendable, Comparable {
    public let raw: UInt64

    public init(raw: UInt64) { self.raw = raw }

    public static func < (left: Self, right: Self) -> Bool { left.raw < right.raw }
}
