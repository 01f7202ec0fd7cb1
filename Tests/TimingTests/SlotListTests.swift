import Testing
import Timing

private final class Item: Slotted {
    let number: Int
    var slot = 0

    init(_ number: Int) { self.number = number }
}

@Suite struct SlotListTests {
    @Test("items keep their order, however they come and go", arguments: 0..<20 as Range<UInt64>)
    func order(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var list = SlotList<Item>()
        var model: [Item] = []
        for number in 0..<2_000 {
            let item = Item(number)
            // Grows, then shrinks.
            switch Int.random(in: 0..<(number < 1_000 ? 10 : 30), using: &random) {
            case 0..<6:
                list.append(item)
                model.append(item)
            case 6..<9:
                list.prepend(item)
                model.insert(item, at: 0)
            case 9..<12:
                let first = list.removeFirst()
                #expect(first === (model.isEmpty ? nil : model.removeFirst()))
            default:
                guard let gone = model.randomElement(using: &random) else { break }
                let isRemoved = list.remove(gone)
                let isRemovedAgain = list.remove(gone)
                #expect(isRemoved && !isRemovedAgain)
                model.removeAll { $0 === gone }
            }
            #expect(list.count == model.count && list.isEmpty == model.isEmpty)
            #expect(list.first === model.first)
            if number % 50 == 0 { #expect(list.map(\.number) == model.map(\.number)) }
        }
        #expect(list.map(\.number) == model.map(\.number))
    }

    @Test("a copy stays as it was while its items go to another list")
    func copies() {
        var list = SlotList<Item>()
        for number in 0..<200 { list.append(Item(number)) }
        var other = SlotList<Item>()
        let all = list.takeAll()
        #expect(list.isEmpty)
        for item in all {
            let isRemoved = list.remove(item)
            #expect(!isRemoved)
            if item.number % 2 == 0 { other.prepend(item) }
        }
        #expect(all.map(\.number) == Array(0..<200))
        #expect(other.map(\.number) == (0..<200).reversed().filter { $0 % 2 == 0 })
    }

    @Test("to leave costs the same, however many there are", .enabled(if: Steps.areCounted))
    func constant() {
        for count in [1_000, 16_000] {
            for order in 0..<3 {
                var list = SlotList<Item>()
                let items = (0..<count).map(Item.init)
                for item in items { list.append(item) }
                var random = SeededRandom(seed: 5)
                let leaving =
                    order == 0
                    ? items : order == 1 ? items.reversed() : items.shuffled(using: &random)
                let before = Steps.taken
                for item in leaving { list.remove(item) }
                #expect(Steps.taken - before <= 4 * count, "\(count) items, order \(order)")
                #expect(list.isEmpty)
            }
        }
    }
}

/// One walk, turn after turn, while items come and go.
@Suite struct SlotListWalkTests {
    @Test("whoever is there all the time is met once, in order", arguments: 0..<20 as Range<UInt64>)
    func walk(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var list = SlotList<Item>()
        var next = 0
        func add() {
            list.append(Item(next))
            next += 1
        }
        for _ in 0..<150 { add() }
        for _ in 0..<5 {
            var stay = Set(list.map(\.number))
            var met: [Int] = []
            list.beginWalk()
            while let item = list.nextOfWalk() {
                met.append(item.number)
                for _ in 0..<Int.random(in: 0..<3, using: &random) {
                    guard let gone = Array(list).randomElement(using: &random) else { break }
                    list.remove(gone)
                    stay.remove(gone.number)
                }
                if Int.random(in: 0..<4, using: &random) == 0, next < 2_000 { add() }
            }
            #expect(met == met.sorted() && Set(met).count == met.count)
            #expect(stay.isSubset(of: met))
            for _ in 0..<150 { add() }
        }
    }

    @Test("in front of a walk there may be more, which it does not meet")
    func prepended() {
        var list = SlotList<Item>()
        for number in 0..<10 { list.append(Item(number)) }
        list.beginWalk()
        let first = list.nextOfWalk()
        for number in 10..<30 { list.prepend(Item(number)) }
        var met = [first?.number]
        while let item = list.nextOfWalk() { met.append(item.number) }
        #expect(met == Array(0..<10))
    }
}
