/// What a CmdMetadata asked for.
struct MetadataQuery {
    /// In the order of the command; nil: all.
    var topics: [String]?
}
