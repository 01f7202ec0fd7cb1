import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// The client's half of KIP-227, alone.
@Suite struct FetchSessionTests {
    private let now = Instant.zero.adding(milliseconds: 1_000)

    private func partitions(_ count: Int32) -> [Partition] {
        let topic = Topic("t", now: .zero)
        return (0..<count).map { Partition(topic, $0) }
    }

    private func wish(_ partition: Partition, at offset: Int64) -> FetchSession.Wish {
        FetchSession.Wish(
            partition: partition,
            known: FetchSession.Known(
                offset: offset, leaderEpoch: 0, lastFetchedEpoch: -1, bytesMax: 100))
    }

    private func request(
        _ session: inout FetchSession, _ wishes: [FetchSession.Wish], usesIDs: Bool = false,
        at moment: Instant? = nil
    ) -> FetchRequest {
        var request = FetchRequest(maxWaitMilliseconds: 0, minBytes: 0, maxBytes: 0)
        session.prepare(&request, wishes: wishes, usesIDs: usesIDs, now: moment ?? now)
        return request
    }

    private func asked(_ request: FetchRequest) -> [Int32] {
        request.topics.flatMap { $0.partitions.map(\.partition) }
    }

    @Test("the first request tells everything, the next ones what has changed and what is gone")
    func changes() {
        let all = partitions(3)
        var session = FetchSession()
        let first = request(&session, all.map { wish($0, at: 5) })
        #expect(first.sessionID == 0 && first.sessionEpoch == 0 && asked(first) == [0, 1, 2])
        session.answered(sessionID: 77, now: now)
        #expect(session.isOpen)

        let next = request(&session, [wish(all[0], at: 5), wish(all[2], at: 6)])
        #expect(next.sessionID == 77 && next.sessionEpoch == 1 && asked(next) == [2])
        #expect(next.forgottenTopicsData.flatMap(\.partitions) == [1])
        session.answered(sessionID: 77, now: now)

        let same = request(&session, [wish(all[0], at: 5), wish(all[2], at: 6)])
        #expect(same.sessionEpoch == 2 && asked(same).isEmpty && same.forgottenTopicsData.isEmpty)
    }

    @Test(
        "a session that is gone, or out of step, is opened anew",
        arguments: [70, 71, 103, 106] as [Int16])
    func refused(_ code: Int16) {
        let all = partitions(1)
        var session = FetchSession()
        _ = request(&session, [wish(all[0], at: 5)])
        session.answered(sessionID: 77, now: now)
        let isOfTheSession = session.refused(KafkaError(code))
        #expect(isOfTheSession)
        let again = request(&session, [wish(all[0], at: 5)])
        #expect(again.sessionID == 0 && again.sessionEpoch == 0 && asked(again) == [0])
        let isOther = session.refused(.notLeaderOrFollower)
        #expect(!isOther)
    }

    @Test("a broker without room for sessions is asked for one again after a minute")
    func noRoom() {
        let all = partitions(1)
        var session = FetchSession()
        _ = request(&session, [wish(all[0], at: 5)])
        session.answered(sessionID: 0, now: now)
        #expect(!session.isOpen)
        let soon = request(&session, [wish(all[0], at: 5)], at: now.adding(milliseconds: 59_999))
        #expect(soon.sessionEpoch == -1 && asked(soon) == [0])
        let later = request(&session, [wish(all[0], at: 5)], at: now.adding(milliseconds: 60_000))
        #expect(later.sessionEpoch == 0)
    }

    @Test("a first answer that is throttled says nothing about the room")
    func throttled() {
        let all = partitions(1)
        var session = FetchSession()
        _ = request(&session, [wish(all[0], at: 5)])
        session.answered(sessionID: 0, isThrottled: true, now: now)
        #expect(request(&session, [wish(all[0], at: 5)]).sessionEpoch == 0)
    }

    @Test("topic ids and names do not share a session, and an end asks for nothing")
    func kinds() {
        let all = partitions(1)
        var session = FetchSession()
        _ = request(&session, [wish(all[0], at: 5)])
        session.answered(sessionID: 77, now: now)
        let other = request(&session, [wish(all[0], at: 5)], usesIDs: true)
        #expect(other.sessionID == 0 && asked(other) == [0])
        session.answered(sessionID: 78, now: now)
        var last = FetchRequest(maxWaitMilliseconds: 0, minBytes: 0, maxBytes: 0)
        session.close(&last)
        #expect(last.sessionID == 78 && last.sessionEpoch == -1 && last.topics.isEmpty)
        #expect(!session.isOpen)
    }
}
