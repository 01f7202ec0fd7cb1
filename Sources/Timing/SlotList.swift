/// An item that stands in one `SlotList` at a time.
public protocol Slotted: AnyObject {
    /// The list's, nobody else's.
    var slot: Int { get set }
}

/// Items in their order, each of which leaves in constant time: it knows its place, and leaves a
/// hole there. Holes are skipped, and closed up when they are most of the list.
///
/// A copy may be looped over while its items leave, or go to other lists, but not be changed. One
/// walk over the list itself may be under way, turn after turn, while items come and go.
public struct SlotList<Item: Slotted>: Sequence {
    @usableFromInline var places: ContiguousArray<Item?> = []
    /// The slot of `places[0]`.
    @usableFromInline var base = 0
    /// The index of the first item.
    @usableFromInline var head = 0
    @usableFromInline var items = 0
    /// The index of the walk's next place.
    @usableFromInline var mark = 0

    /// Fewer holes are not worth a move.
    @usableFromInline static var holesMin: Int { 64 }

    @inlinable
    public init() {}

    @inlinable public var count: Int { items }
    @inlinable public var isEmpty: Bool { items == 0 }
    @inlinable public var first: Item? { items > 0 ? places[head] : nil }
    @inlinable public var underestimatedCount: Int { items }

    // MARK: Coming

    @inlinable
    public mutating func append(_ item: Item) {
        Steps.count()
        item.slot = base + places.count
        places.append(item)
        items += 1
    }

    @inlinable
    public mutating func append(contentsOf others: SlotList) {
        for item in others { append(item) }
    }

    @inlinable
    public mutating func prepend(_ item: Item) {
        Steps.count()
        if head == 0 { makeRoom() }
        head -= 1
        places[head] = item
        item.slot = base + head
        items += 1
    }

    /// As many places as there are items, so that each prepended one has paid for its own.
    @usableFromInline
    mutating func makeRoom() {
        let room = Swift.max(8, items)
        Steps.count(items)
        places.insert(contentsOf: repeatElement(nil, count: room), at: 0)
        base -= room
        mark += room
        head = room
    }

    // MARK: Going

    /// False, and nothing happens, if the item does not stand here.
    @discardableResult @inlinable
    public mutating func remove(_ item: Item) -> Bool {
        Steps.count()
        let index = item.slot &- base
        guard index >= head, index < places.count, places[index] === item else { return false }
        places[index] = nil
        items -= 1
        tidy(index)
        return true
    }

    @inlinable
    public mutating func removeFirst() -> Item? {
        guard items > 0, let item = places[head] else { return nil }
        Steps.count()
        places[head] = nil
        items -= 1
        tidy(head)
        return item
    }

    /// Leaves the list empty.
    @inlinable
    public mutating func takeAll() -> SlotList {
        let all = self
        self = SlotList()
        return all
    }

    @inlinable
    mutating func tidy(_ hole: Int) {
        if items == 0 {
            places.removeAll(keepingCapacity: places.count < Self.holesMin)
            base = 0
            head = 0
            mark = 0
            return
        }
        if hole == head {
            repeat { head += 1 } while places[head] == nil
        } else if hole == places.count - 1 {
            repeat { places.removeLast() } while places[places.count - 1] == nil
            mark = Swift.min(mark, places.count)
        }
        if places.count > 4 * items + Self.holesMin { closeUp() }
    }

    @usableFromInline
    mutating func closeUp() {
        Steps.count(places.count)
        var kept: ContiguousArray<Item?> = []
        kept.reserveCapacity(2 * items)
        var passed = 0
        for (index, place) in places.enumerated() {
            guard let item = place else { continue }
            if index < mark { passed += 1 }
            item.slot = kept.count
            kept.append(item)
        }
        places = kept
        base = 0
        head = 0
        mark = passed
    }

    // MARK: Walking

    /// Goes back to the first item.
    @inlinable
    public mutating func beginWalk() { mark = head }

    /// The item behind the one before, which may have left meanwhile; nil: there is none. Items
    /// that are appended during the walk are part of it.
    @inlinable
    public mutating func nextOfWalk() -> Item? {
        while mark < places.count {
            Steps.count()
            let item = places[mark]
            mark += 1
            if let item { return item }
        }
        return nil
    }

    // MARK: Looking

    @inlinable
    public func makeIterator() -> Iterator { Iterator(self) }

    public struct Iterator: IteratorProtocol {
        @usableFromInline let places: ContiguousArray<Item?>
        @usableFromInline var index: Int

        @inlinable
        init(_ list: SlotList) {
            places = list.places
            index = list.head
        }

        @inlinable
        public mutating func next() -> Item? {
            while index < places.count {
                Steps.count()
                let item = places[index]
                index += 1
                if let item { return item }
            }
            return nil
        }
    }
}
