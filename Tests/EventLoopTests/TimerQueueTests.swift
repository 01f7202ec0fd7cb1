import Testing
import Timing

@testable import EventLoop

/// Timers come in the order of their times, whatever is scheduled and cancelled in between.
@Suite struct TimerQueueTests {
    @Test(arguments: UInt64(1)...50)
    func agreesWithASortedList(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var queue = TimerQueue()
        var model: [(due: Int64, name: Int, id: TimerID)] = []
        var fired: [Int] = []
        for name in 0..<400 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let due = Int64.random(in: 0..<1000, using: &random)
                let id = queue.schedule(at: Instant(nanoseconds: due)) { fired.append(name) }
                model.append((due, name, id))
            case 6..<8 where !model.isEmpty:
                let index = Int.random(in: 0..<model.count, using: &random)
                queue.cancel(model.remove(at: index).id)
            default:
                let now = Int64.random(in: 0..<600, using: &random)
                fired = []
                while let action = queue.popDue(Instant(nanoseconds: now), upTo: queue.newest) {
                    action()
                }
                let due = model.filter { $0.due <= now }.sorted {
                    ($0.due, $0.name) < ($1.due, $1.name)
                }
                #expect(fired == due.map(\.name))
                model.removeAll { $0.due <= now }
            }
            #expect(queue.count == model.count)
            #expect(queue.nextDue()?.nanoseconds == model.map(\.due).min())
        }
    }

    @Test func cancellingTwiceIsCancellingOnce() {
        var queue = TimerQueue()
        let id = queue.schedule(at: .zero) {}
        queue.cancel(id)
        queue.cancel(id)
        #expect(queue.count == 0)
        #expect(queue.nextDue() == nil)
    }
}
