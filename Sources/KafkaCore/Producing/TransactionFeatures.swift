/// Whether the cluster's transactions are of the second kind (KIP-890). The newest of what brokers
/// have told counts: others lag behind it for a while.
struct TransactionFeatures {
    private var epoch: Int64 = -1
    private(set) var hasV2 = false

    /// Answers whether something has changed.
    mutating func learn(_ versions: ApiVersionTable) -> Bool {
        guard versions.featuresEpoch > epoch else { return false }
        epoch = versions.featuresEpoch
        let had = hasV2
        hasV2 = versions.hasTransactionsV2
        return hasV2 != had
    }
}
