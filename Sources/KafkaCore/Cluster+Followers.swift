import Timing

// What followers' owners ask for. None of it has an effect before `work`, and all of it takes
// constant time.
extension Cluster {
    /// Attaches a follower, which rests until it is told to go on. It is the cluster's until it is
    /// detached or has failed.
    public func follow(
        _ request: FollowRequest, tag: FollowerTag, credit: FollowCredit
    ) -> Follower { Follower(tag, request, credit: credit) }

    /// If it rests and has credit, it goes on where it stands.
    public func goOn(_ follower: Follower) {
        desk.goOn(follower)
        noteCancel()
    }

    /// Nothing comes of it until it goes on.
    public func rest(_ follower: Follower) {
        desk.rest(follower)
        noteCancel()
    }

    /// The owner cannot take what `followerTold` has just brought: it rests in front of that, which
    /// has cost nothing.
    public func giveBack(_ follower: Follower, _ slice: RecordSlice) {
        desk.giveBack(follower, slice)
        noteCancel()
    }

    /// Nothing comes of it any more.
    public func detach(_ follower: Follower) {
        desk.detach(follower)
        noteCancel()
    }
}
