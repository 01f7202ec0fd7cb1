/// Puts items in order, one comparison a step: thousands of them are not to be sorted in one turn.
/// Equal ones stay in the order in which they came.
struct SortInPieces<Item> {
    private let items: [Item]
    private let precedes: (Item, Item) -> Bool
    /// Places in `items`, in runs of `width` that are in order.
    private var order: [Int]
    /// Of the pass under way: runs of twice that width.
    private var merged: [Int] = []
    private var width = 1
    private var left = 0
    private var right = 1

    init(_ items: [Item], by precedes: @escaping (Item, Item) -> Bool) {
        self.items = items
        self.precedes = precedes
        order = Array(items.indices)
        merged.reserveCapacity(items.count)
    }

    var isDone: Bool { width >= items.count }

    mutating func step() {
        guard !isDone else { return }
        // The two runs that are merged now begin where the merged ones end.
        let start = merged.count / (2 * width) * 2 * width
        let middle = min(start + width, order.count)
        let end = min(start + 2 * width, order.count)
        if left < middle, right >= end || !precedes(items[order[right]], items[order[left]]) {
            merged.append(order[left])
            left += 1
        } else {
            merged.append(order[right])
            right += 1
        }
        if merged.count == end { beginRuns(at: end) }
    }

    private mutating func beginRuns(at start: Int) {
        guard start == order.count else {
            left = start
            right = min(start + width, order.count)
            return
        }
        swap(&order, &merged)
        merged.removeAll(keepingCapacity: true)
        width *= 2
        left = 0
        right = min(width, order.count)
    }

    /// By its place in the order; only when that `isDone`.
    subscript(place: Int) -> Item { items[order[place]] }

    var count: Int { items.count }
}
