/// What a broker says of a partition's new leader beside the error that it is none itself
/// (KIP-951).
struct LeaderHint {
    let partition: Partition
    let nodeID: Int32
    let epoch: Int32
    /// Where it listens, if that was told.
    let endpoint: Endpoint?
}
