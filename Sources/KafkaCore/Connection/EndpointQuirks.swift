import Timing

/// What connections to one endpoint have taught, for the next ones.
struct EndpointQuirks {
    /// Some servers (Azure Event Hubs) reset the connection on an ApiVersions version that they do
    /// not know, instead of answering with an error.
    private(set) var resetsOnApiVersions = 0
    /// Connections to it fail.
    var trouble = Trouble()
    /// It asks for pauses.
    var throttling = Trouble()
    /// The end of the last pause that it asked for.
    var throttledUntil = Instant.zero

    static let resetsBeforeFallback = 2

    var usesOldestApiVersions: Bool { resetsOnApiVersions >= Self.resetsBeforeFallback }

    mutating func noteReset() { resetsOnApiVersions += 1 }
    mutating func noteAnswer() {
        // Below the threshold they were ordinary resets; above it the fallback is what answered.
        if !usesOldestApiVersions { resetsOnApiVersions = 0 }
    }
}
