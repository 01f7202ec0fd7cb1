/// A queue at whose front elements leave in constant time.
struct FIFO<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { head == elements.count }
    var first: Element? { isEmpty ? nil : elements[head] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        defer { advance() }
        return elements[head].take()
    }

    /// In order; the queue is empty then.
    mutating func takeAll() -> [Element] {
        defer { self = FIFO() }
        return elements[head...].compactMap { $0 }
    }

    /// Looks at all of them.
    mutating func removeAll(where isGone: (Element) -> Bool) {
        let left = takeAll().filter { !isGone($0) }
        elements = left
    }

    private mutating func advance() {
        head += 1
        // Half of the places are empty: to close them up costs as much as filling them has.
        guard head >= 32, head * 2 >= elements.count else { return }
        elements.removeFirst(head)
        head = 0
    }
}
