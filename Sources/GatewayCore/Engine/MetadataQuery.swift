/// What a CmdMetadata asked for.
struct MetadataQuery {
    /// In the order of the command; nil: all.
    var topics: [String]?
    /// Those of them that the session may know of.
    var seen: [String]?
}
