import Testing
import Timing

private struct Number: OwnNumber {
    let raw: UInt64
}

@Suite struct NumberTableTests {
    @Test(
        "it holds what a dictionary does, however things come and go",
        arguments: 0..<10 as Range<UInt64>)
    func model(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var table = NumberTable<Number, Int>()
        var model: [Number: Int] = [:]
        for step in 0..<5_000 {
            let number = Number(raw: UInt64.random(in: 0..<500, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                table[number] = step
                model[number] = step
            case 2:
                table[number] = nil
                model[number] = nil
            default:
                let removed = table.removeValue(forKey: number)
                #expect(removed == model.removeValue(forKey: number))
            }
            #expect(table[number] == model[number])
            #expect(table.count == model.count && table.isEmpty == model.isEmpty)
        }
        #expect(Set(table.keys) == Set(model.keys))
        #expect(table.values.sorted() == model.values.sorted())
    }
}
