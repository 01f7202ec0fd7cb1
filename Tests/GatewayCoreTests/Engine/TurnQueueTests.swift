import Testing

@testable import GatewayCore

/// Who of those that wait has the next turn.
@Suite struct TurnQueueTests {
    private var queue = TurnQueue()
    private var accounts: [UInt64: TurnAccount] = [:]

    private mutating func put(_ id: UInt64) {
        queue.append(SessionID(raw: id), &accounts[id, default: TurnAccount()])
    }

    /// A session has its turn, which costs so much.
    private mutating func serve(_ cost: (UInt64) -> Int) throws -> UInt64 {
        let next = queue.next()
        let id = try #require(next).raw
        accounts[id, default: TurnAccount()].add(cost(id))
        queue.count(cost(id))
        return id
    }

    private func costOfThose(below light: UInt64) -> (UInt64) -> Int {
        { $0 < light ? 2_000_000 : 3_000 }
    }

    @Test("who costs little waits for one turn of those who cost much, not for one of each")
    mutating func light() throws {
        let cost = costOfThose(below: 100)
        for id in 1..<100 { put(UInt64(id)) }
        for _ in 0..<500 { put(try serve(cost)) }
        for _ in 0..<50 {
            put(100)
            let next = try serve(cost)
            #expect(next == 100)
            put(try serve(cost))
        }
    }

    @Test(
        "who needs less goes before thousands who want a little each, again and again",
        arguments: [(70, 2_100), (2_100, 9_000), (70, 9_000)])
    mutating func little(_ one: Int, _ each: Int) throws {
        let cost: (UInt64) -> Int = { $0 == 9_000 ? one : each }
        // It has shown what it needs, and has had more than its share of so many.
        for _ in 0..<100 {
            put(9_000)
            put(1)
            for _ in 0..<2 { _ = try serve(cost) }
        }
        for id in 1...5_000 { put(UInt64(id)) }
        var waited = 0
        for _ in 0..<500 {
            put(9_000)
            var others = 0
            while try serve(cost) != 9_000 { others += 1 }
            waited = max(waited, others)
            put(try serve(cost))
        }
        #expect(waited <= 1)
    }

    @Test("who needs next to nothing leaves a quarter to the others")
    mutating func littleOnly() throws {
        let cost: (UInt64) -> Int = { $0 <= 100 ? 2_100 : 9_000 }
        for id in 1...200 { put(UInt64(id)) }
        for _ in 0..<2_000 { put(try serve(cost)) }
        var work = [false: 0, true: 0]
        for _ in 0..<20_000 {
            let id = try serve(cost)
            work[id <= 100, default: 0] += cost(id)
            put(id)
        }
        let others = Double(work[false] ?? 0)
        let share = others / (others + Double(work[true] ?? 0))
        #expect(share > 0.2 && share < 0.3, "\(share)")
    }

    @Test("who is sent much goes behind who is sent little, though the commands cost the same")
    mutating func output() throws {
        var (large, small) = (TurnAccount(), TurnAccount())
        for _ in 0..<8 {
            large.add(2_100)
            small.add(2_100)
        }
        large.wrote(1_000_000)
        small.wrote(50)
        large.add(2_100)
        small.add(2_100)
        #expect(large.expected == small.expected)
        #expect(large.need > Work.little && small.need < Work.little)
        accounts = [1: large, 2: small]
        var isBehind = 0
        for _ in 0..<100 {
            put(1)
            put(2)
            if try serve({ _ in 2_100 }) == 2 { isBehind += 1 }
            _ = try serve { _ in 2_100 }
            accounts[1, default: TurnAccount()].wrote(1_000_000)
        }
        // But for the first time: its rank has had nothing yet.
        #expect(isBehind == 99)
    }

    @Test("what is received for later is no reason to expect less of the next turn")
    func received() {
        var account = TurnAccount()
        account.add(2_000_000)
        for _ in 0..<10 { account.received(500) }
        #expect(account.expected == 2_000_000 && account.cost == 2_005_000)
    }

    @Test("those who cost much get equal shares")
    mutating func shares() throws {
        for id in 1...10 { put(UInt64(id)) }
        var turns: [UInt64: Int] = [:]
        for _ in 0..<1_000 {
            let id = try serve { $0 == 1 ? 40_000 : 20_000 }
            turns[id, default: 0] += 1
            put(id)
        }
        let ordinary = try #require(turns[2])
        for id in 2...10 { #expect(abs((turns[UInt64(id)] ?? 0) - ordinary) <= 1) }
        #expect(abs((turns[1] ?? 0) * 2 - ordinary) <= 2)
    }

    @Test("newcomers do not hold up for ever who costs much")
    mutating func newcomers() throws {
        let cost = costOfThose(below: 2)
        put(1)
        _ = try serve(cost)
        put(1)
        for id in 2..<10_000 {
            put(UInt64(id))
            if try serve(cost) == 1 { return }
        }
        Issue.record("it never had its turn")
    }

    @Test("who needs less than a slice has three quarters of the time, who needs more the rest")
    mutating func lightFirst() throws {
        for id in 1...200 { put(UInt64(id)) }
        // All have shown what they need.
        let cost: (UInt64) -> Int = { $0 <= 100 ? 500_000 : 5_000 }
        for _ in 0..<5_000 { put(try serve(cost)) }
        var work = [false: 0, true: 0]
        for _ in 0..<20_000 {
            let id = try serve(cost)
            work[id <= 100, default: 0] += cost(id)
            put(id)
        }
        let heavy = Double(work[true] ?? 0)
        let share = heavy / (heavy + Double(work[false] ?? 0))
        #expect(share > 0.2 && share < 0.3, "\(share)")
    }

    @Test("who needs more than is left of a turn waits for the next one")
    mutating func room() throws {
        for id in [1, 2] { put(UInt64(id)) }
        for _ in 0..<2 { put(try serve { $0 == 1 ? 900_000 : 5_000 }) }
        let light = queue.next(room: 100_000)
        #expect(light?.raw == 2)
        queue.count(5_000)
        let none = queue.next(room: 100_000)
        #expect(none == nil && !queue.isEmpty)
        let heavy = queue.next()
        #expect(heavy?.raw == 1)
    }
}
