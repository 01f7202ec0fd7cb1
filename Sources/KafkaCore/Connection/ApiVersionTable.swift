import KafkaProtocol

/// The versions that one broker speaks, as it told on this connection.
struct ApiVersionTable {
    private var ranges: [Int16: ClosedRange<Int16>] = [:]

    init() {}

    /// - Parameter release: what is newer is not used.
    init(_ keys: [ApiVersionsResponse.Key], atMost release: KafkaRelease? = nil) {
        for key in keys {
            let upper = min(key.maxVersion, release?.newest(key.apiKey) ?? .max)
            if key.minVersion <= upper { ranges[key.apiKey] = key.minVersion...upper }
        }
    }

    /// The newest version of `request` that both sides speak; nil if there is none.
    func version<R: RequestMessage>(of request: R.Type, atMost limit: Int16 = .max) -> Int16? {
        guard let theirs = ranges[R.apiKey] else { return nil }
        let version = min(R.versions.upperBound, theirs.upperBound, limit)
        return version >= max(R.versions.lowerBound, theirs.lowerBound) ? version : nil
    }
}
