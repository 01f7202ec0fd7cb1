import KafkaProtocol

/// The versions that one broker speaks, as it told on this connection, and what it knows of the
/// cluster's features.
struct ApiVersionTable {
    private var ranges: [Int16: ClosedRange<Int16>] = [:]
    /// How new that is what it tells of features (KIP-584); -1: it knows of none.
    private(set) var featuresEpoch: Int64 = -1
    /// The level of the feature `transaction.version`; 0: not finalized.
    private(set) var transactionVersion: Int16 = 0

    init() {}

    /// - Parameter release: what is newer is not used.
    init(_ response: ApiVersionsResponse, atMost release: KafkaRelease? = nil) {
        self.init(response.apiKeys, atMost: release)
        featuresEpoch = max(-1, response.finalizedFeaturesEpoch)
        let told = response.finalizedFeatures.first { $0.name == "transaction.version" }
        transactionVersion = told?.maxVersionLevel ?? 0
    }

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

    /// Transactions of the second kind (KIP-890). Brokers speak the versions for them before the
    /// cluster has decided on them, and decline what is mixed.
    var hasTransactionsV2: Bool { transactionVersion >= 2 && speaksTransactionsV2 }

    var speaksTransactionsV2: Bool {
        speaks(ProduceRequest.self, ProduceRequest.firstOfTransactionsV2)
            && speaks(EndTxnRequest.self, EndTxnRequest.firstOfTransactionsV2)
    }

    private func speaks<R: RequestMessage>(_ request: R.Type, _ least: Int16) -> Bool {
        version(of: request).map { $0 >= least } ?? false
    }
}

extension ProduceRequest {
    /// A broker enrols partitions in the transaction itself, before it appends.
    static let firstOfTransactionsV2: Int16 = 12
}

extension EndTxnRequest {
    /// Every end raises the epoch, and tells the next one.
    static let firstOfTransactionsV2: Int16 = 5
}
