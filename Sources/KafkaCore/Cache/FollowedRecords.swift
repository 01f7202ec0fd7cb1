/// Records that followers are told of. All who stand at the same offset and have credit for them
/// share one: what is worked out for the first serves the others.
public final class FollowedRecords {
    public let slice: RecordSlice

    init(_ slice: RecordSlice) { self.slice = slice }
}
