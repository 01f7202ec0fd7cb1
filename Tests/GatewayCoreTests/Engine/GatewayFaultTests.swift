import GatewayCore
import PubSubProtocol
import Testing

/// The numbers are a contract with clients and C callers: they are only added to.
@Suite struct GatewayFaultTests {
    @Test func theNumbersStayAsTheyAre() {
        let table: [(GatewayFault, Int32?, UInt16?, Int32)] = [
            (.malformed, 1, nil, -11), (.unknownCommand, 2, nil, -14), (.notAllowed, 3, nil, -13),
            (.limit, 4, nil, -6), (.notFound, 5, nil, -1003), (.unavailable, 6, nil, -5),
            (.noBroker, 6, nil, -5), (.noLeader, 6, nil, -5),
            (.timedOut, 7, nil, -10), (.throttled, 7, nil, -10), (.outcomeUnknown, 7, nil, -10),
            (.tlsRefused, 8, nil, -12), (.loginRefused, 8, nil, -13),
            (.internalError, 9, 1011, -5), (.hostCommand, 10, nil, -14),
            (.kafka(1), 1001, nil, -1001), (.kafka(-1), 999, nil, -1000),
            (.kafka(.max), 33_767, nil, -33_767), (.kafka(.min), -31_768, nil, -1000),
            (.normal, nil, 1000, 0), (.goingAway, nil, 1001, -3),
            (.protocolError, nil, 1002, -11), (.unsupportedData, nil, 1003, -11),
            (.invalidText, nil, 1007, -11), (.messageTooBig, nil, 1009, -11),
            (.restart, nil, 1012, -3), (.overLimit, nil, 1013, -6),
            (.credentialsExpired, nil, 4401, -13), (.idle, nil, 4408, -10),
            (.tooManyCommands, nil, 4429, -6), (.tooSlow, nil, 4430, -6),
            (.noPong, nil, 4450, -10),
        ]
        for (fault, reply, close, status) in table {
            #expect(fault.replyCode?.rawValue == reply, "\(fault)")
            #expect(fault.closeCode?.rawValue == close, "\(fault)")
            #expect(fault.status == status, "\(fault)")
        }
    }

    @Test("causes are a closed list of words, for faults whose code covers several things")
    func causes() {
        let table: [(GatewayFault, ReplyCause)] = [
            (.notFound, .notFound), (.noBroker, .noBroker), (.noLeader, .noLeader),
            (.timedOut, .timedOut), (.throttled, .throttled), (.tlsRefused, .tlsRefused),
            (.loginRefused, .loginRefused), (.outcomeUnknown, .outcomeUnknown),
        ]
        for (fault, cause) in table { #expect(fault.cause == cause, "\(fault)") }
        #expect(Set(table.map(\.1)) == Set(ReplyCause.allCases))
        #expect(
            ReplyCause.allCases.map(\.rawValue) == [
                "not found", "no broker reachable", "no leader", "TLS refused", "login refused",
                "timed out", "throttled", "outcome unknown",
            ])
        for fault in [.malformed, .limit, .unavailable, .kafka(1), .idle] as [GatewayFault] {
            #expect(fault.cause == nil, "\(fault)")
        }
    }
}
