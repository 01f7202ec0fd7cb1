/// What the records of one command may be: the session's rights.
struct ProduceRules {
    /// Whether a topic may be produced to.
    let allows: (String) -> Bool
    let mayChoosePartition: Bool
    let mayBringTimestamp: Bool
    let headers: AddedHeaders
    /// Key, value and headers of a record; 0: the producer's own limit.
    let recordBytesMax: Int
    /// Different topics of one command.
    let topicsMax: Int
}
