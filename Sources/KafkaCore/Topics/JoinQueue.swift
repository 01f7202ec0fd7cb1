import Timing

/// What somebody wants of one partition. Equal wants are one until the request is sent.
protocol Joinable: Slotted {
    var key: JoinKey { get }
    /// Among those of its partition; smaller numbers came first.
    var order: Int { get set }
    /// Somebody still waits for it.
    var isWanted: Bool { get }
}

struct JoinKey: Hashable {
    /// An offset or a timestamp.
    var value: Int64
    var isolation: Isolation
}

/// Wants of one partition that are not sent yet, in the order of their coming: a request has one
/// isolation level, and takes one of each partition. Each leaves in constant time.
struct JoinQueue<Item: Joinable> {
    private var uncommitted = SlotList<Item>()
    private var committed = SlotList<Item>()
    private var pending: [JoinKey: Item] = [:]
    private var last = 0
    private var first = 0

    var count: Int { pending.count }
    var isEmpty: Bool { pending.isEmpty }

    /// The one that an equal want may join.
    subscript(key: JoinKey) -> Item? { pending[key] }

    // MARK: Coming

    mutating func append(_ item: Item) {
        last += 1
        item.order = last
        pending[item.key] = item
        with(item.key.isolation) { $0.append(item) }
    }

    /// It was sent and not answered.
    mutating func prepend(_ item: Item) {
        first -= 1
        item.order = first
        pending[item.key] = item
        with(item.key.isolation) { $0.prepend(item) }
    }

    // MARK: Going

    mutating func remove(_ item: Item) {
        guard with(item.key.isolation, { $0.remove(item) }) else { return }
        pending[item.key] = nil
    }

    /// The first that is wanted; those in front of it are forgotten.
    mutating func takeFirst(_ isolation: Isolation) -> Item? {
        while let item = with(isolation, { $0.removeFirst() }) {
            pending[item.key] = nil
            if item.isWanted { return item }
        }
        return nil
    }

    mutating func takeAll() -> [Item] {
        let all = self.all
        self = JoinQueue()
        return all
    }

    /// That of the one that has waited longest; nil: none is wanted.
    mutating func firstIsolation() -> Isolation? {
        dropUnwanted(.readUncommitted)
        dropUnwanted(.readCommitted)
        switch (uncommitted.first, committed.first) {
        case (let left?, let right?):
            return left.order < right.order ? .readUncommitted : .readCommitted
        case (.some, nil): return .readUncommitted
        case (nil, .some): return .readCommitted
        case (nil, nil): return nil
        }
    }

    private mutating func dropUnwanted(_ isolation: Isolation) {
        while let item = with(isolation, { $0.first }), !item.isWanted { remove(item) }
    }

    // MARK: Looking

    /// The first of those that are wanted, for whoever takes them out of their order.
    mutating func firstFew(_ isolation: Isolation) -> [Item] {
        dropUnwanted(isolation)
        return with(isolation) { $0.prefix(Self.fewMax).filter(\.isWanted) }
    }

    private static var fewMax: Int { 32 }

    var all: [Item] { Array(uncommitted) + Array(committed) }

    /// Costs no more than the range has values, or than there are wants.
    func all(in values: Range<Int64>) -> [Item] {
        let width = UInt64(bitPattern: values.upperBound &- values.lowerBound)
        guard width < UInt64(pending.count) else {
            return all.filter { values.contains($0.key.value) }
        }
        Steps.count(Int(width))
        return values.flatMap { value in
            Isolation.allCases.compactMap { pending[JoinKey(value: value, isolation: $0)] }
        }
    }

    private mutating func with<Result>(
        _ isolation: Isolation, _ body: (inout SlotList<Item>) -> Result
    ) -> Result {
        switch isolation {
        case .readUncommitted: body(&uncommitted)
        case .readCommitted: body(&committed)
        }
    }
}
