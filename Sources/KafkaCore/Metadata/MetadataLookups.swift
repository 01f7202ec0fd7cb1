import Timing

/// Look-ups of the API: those that the next requests take with them, and those in flight.
struct MetadataLookups {
    private var byToken: [RequestToken: MetadataLookup] = [:]
    /// Not asked yet, in order of arrival.
    private var unasked = SlotList<MetadataLookup>()
    private var deadlines = DeadlineHeap<MetadataLookup>()

    var areUnasked: Bool { !unasked.isEmpty }

    var nextDeadline: Instant { deadlines.earliest ?? .distantFuture }

    mutating func insert(_ lookup: MetadataLookup) {
        byToken[lookup.token] = lookup
        unasked.append(lookup)
        deadlines.insert(lookup, at: lookup.deadline)
        if deadlines.count > 2 * byToken.count + 1_024 { deadlines.removeAll(where: \.isDone) }
    }

    /// Nil: it is not known, or done.
    mutating func remove(_ token: RequestToken) -> MetadataLookup? {
        guard let lookup = byToken.removeValue(forKey: token) else { return nil }
        lookup.isDone = true
        unasked.remove(lookup)
        return lookup
    }

    /// For one request: those that come first, as long as `fits` says of one more that it does;
    /// one at least.
    mutating func take(while fits: (MetadataLookup) -> Bool) -> [MetadataLookup] {
        var taken: [MetadataLookup] = []
        while let lookup = unasked.first, taken.isEmpty || fits(lookup) {
            unasked.remove(lookup)
            taken.append(lookup)
        }
        return taken
    }

    /// Their request came to nothing: they come first in the next one.
    mutating func putBack(_ lookups: [MetadataLookup]) {
        for lookup in lookups.reversed() where !lookup.isDone { unasked.prepend(lookup) }
    }

    /// The earliest whose time is over.
    mutating func nextOverdue(at now: Instant) -> MetadataLookup? {
        while let (_, lookup) = deadlines.popFirst(notAfter: now) {
            if !lookup.isDone { return lookup }
        }
        return nil
    }

    /// In the order in which they came.
    var waiting: [MetadataLookup] { byToken.values.sorted { $0.token.raw < $1.token.raw } }
}
