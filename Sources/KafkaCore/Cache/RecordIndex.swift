import Bytes
import Glibc

/// Where each record of a run begins: 8 bytes a record. Offsets count from the run's base, places
/// from the run's first byte; both rise strictly.
struct RecordIndex: ~Copyable {
    struct Entry {
        var offsetDelta: UInt32
        var place: UInt32
    }

    private var entries: UnsafeMutablePointer<Entry>?
    private(set) var count = 0
    private var capacity = 0

    init() {}

    /// Takes over a block, whose contents do not count.
    init(adopting block: SpareBlocks.Block) {
        entries = block.base.bindMemory(
            to: Entry.self, capacity: block.capacity / MemoryLayout<Entry>.stride)
        capacity = block.capacity / MemoryLayout<Entry>.stride
    }

    deinit { free(entries) }

    var memoryBytes: Int { capacity * MemoryLayout<Entry>.stride }

    subscript(number: Int) -> Entry {
        @inline(__always) get { entries.unsafelyUnwrapped[number] }
    }

    @inline(__always)
    mutating func append(offsetDelta: UInt32, place: UInt32) {
        if count == capacity { resize(to: max(capacity * 2, 16)) }
        (entries.unsafelyUnwrapped + count).initialize(
            to: Entry(offsetDelta: offsetDelta, place: place))
        count += 1
    }

    /// Appends all of `other`, moved by the given distances.
    mutating func append(
        _ other: borrowing RecordIndex, offsetBy offset: UInt32, placeBy place: UInt32
    ) {
        if count + other.count > capacity { resize(to: max(capacity * 2, count + other.count)) }
        for number in 0..<other.count {
            let entry = other[number]
            append(offsetDelta: entry.offsetDelta + offset, place: entry.place + place)
        }
    }

    mutating func truncate(to count: Int) {
        precondition(count <= self.count)
        self.count = count
    }

    /// Gives back what was reserved and not used, if that is more than a quarter.
    mutating func shrink() {
        if count < capacity - capacity / 4 { resize(to: count) }
    }

    mutating func reserve(_ more: Int) {
        if count + more > capacity { resize(to: max(capacity * 2, count + more)) }
    }

    /// Where the next entry goes; room must have been made with `reserve`.
    var end: UnsafeMutablePointer<Entry>? { entries.map { $0 + count } }

    /// Room behind the entries.
    var room: Int { capacity - count }

    /// `more` entries were written at `end`.
    mutating func commit(_ more: Int) {
        precondition(more >= 0 && more <= room, "more was written than there is room")
        count += more
    }

    /// Hands the memory on without its entries; nil if there is none.
    mutating func release() -> SpareBlocks.Block? {
        let block = entries.map {
            SpareBlocks.Block(base: $0, capacity: capacity * MemoryLayout<Entry>.stride)
        }
        entries = nil
        count = 0
        capacity = 0
        return block
    }

    /// The number of the first record at or after `offsetDelta`; `count` if there is none.
    func firstRecord(atOrAfter offsetDelta: Int64) -> Int {
        guard offsetDelta > 0 else { return 0 }
        // Without gaps the record's number is its delta from the first: the usual case.
        if count > 0 {
            let guess = offsetDelta - Int64(self[0].offsetDelta)
            if guess >= 0, guess < Int64(count), Int64(self[Int(guess)].offsetDelta) == offsetDelta
            {
                return Int(guess)
            }
        }
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if Int64(self[middle].offsetDelta) < offsetDelta {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// The number of the last record that begins at or before `place`. There must be one.
    func record(at place: Int) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if Int(self[middle].place) <= place { low = middle + 1 } else { high = middle }
        }
        precondition(low > 0, "a place in front of the run's first record")
        return low - 1
    }

    private mutating func resize(to wanted: Int) {
        if wanted == 0 {
            free(entries)
            entries = nil
        } else {
            guard let moved = realloc(entries, wanted * MemoryLayout<Entry>.stride) else {
                preconditionFailure("out of memory for \(wanted) index entries")
            }
            entries = moved.assumingMemoryBound(to: Entry.self)
        }
        capacity = wanted
    }
}
