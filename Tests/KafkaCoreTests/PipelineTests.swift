import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

@Suite struct PipelineTests {
    private func request(
        _ pipeline: inout Pipeline, timeout: Int64 = 100, sentAt: Int64 = 0
    ) -> Pipeline.Request {
        let sent = Instant.zero.adding(milliseconds: sentAt)
        return Pipeline.Request(
            apiKey: MetadataRequest.apiKey, version: 1,
            correlationID: pipeline.nextCorrelationID(), hasFlexibleHeader: false, purpose: nil,
            sentAt: sent, deadline: sent.adding(milliseconds: timeout), waitMilliseconds: 0)
    }

    private func filled(_ timeouts: [Int64]) -> Pipeline {
        var pipeline = Pipeline(depth: timeouts.count)
        for timeout in timeouts { pipeline.append(request(&pipeline, timeout: timeout)) }
        return pipeline
    }

    @Test("as many requests as the role says are on their way, and answered in their order")
    func order() {
        var pipeline = filled([100, 100, 100])
        #expect(!pipeline.hasRoom)
        let ids = pipeline.requests.map(\.correlationID)
        #expect(ids == ids.sorted() && Set(ids).count == 3)
        for id in ids {
            #expect(pipeline.first?.correlationID == id)
            pipeline.removeFirst()
            #expect(pipeline.hasRoom)
        }
        #expect(pipeline.isEmpty && pipeline.deadline == nil)
    }

    @Test("the earliest deadline counts, whichever request has it")
    func deadline() {
        #expect(filled([300, 100, 200]).deadline == Instant.zero.adding(milliseconds: 100))
    }

    @Test("a request whose answer could not be read is lost with the others, before them")
    func putBack() throws {
        var pipeline = filled([100, 100])
        let first = try #require(pipeline.first)
        pipeline.removeFirst()
        pipeline.putBack(first)
        let lost = pipeline.takeAll()
        #expect(lost.map(\.correlationID) == [first.correlationID, first.correlationID + 1])
        #expect(pipeline.isEmpty)
    }

    @Test("whoever is silent about one is late with those behind it too")
    func late() {
        var pipeline = filled([100, 100])
        #expect(!pipeline.requests.contains { $0.wasLate })
        pipeline.noteLate()
        #expect(pipeline.requests.allSatisfy { $0.wasLate })
    }

    @Test("correlation ids go on at 0 behind the largest")
    func wrap() {
        var pipeline = Pipeline(depth: 1, lastCorrelationID: .max - 1)
        #expect(pipeline.nextCorrelationID() == .max)
        #expect(pipeline.nextCorrelationID() == 0)
        #expect(pipeline.nextCorrelationID() == 1)
    }
}
