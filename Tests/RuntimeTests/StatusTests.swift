import Runtime
import Statuses
import Testing

struct StatusTests {
    /// The numbers are part of the binary interface: a line may be added, never changed.
    @Test func numbersAreFixed() {
        let fixed: [(Status, Int32, String)] = [
            (.ok, 0, "PUBSUBGW_OK"), (.invalid, -1, "PUBSUBGW_E_INVALID"),
            (.noMemory, -2, "PUBSUBGW_E_NOMEM"), (.gone, -3, "PUBSUBGW_E_GONE"),
            (.forked, -4, "PUBSUBGW_E_FORKED"), (.system, -5, "PUBSUBGW_E_SYSTEM"),
            (.full, -6, "PUBSUBGW_E_FULL"), (.state, -7, "PUBSUBGW_E_STATE"),
            (.config, -8, "PUBSUBGW_E_CONFIG"), (.noRoute, -9, "PUBSUBGW_E_NO_ROUTE"),
            (.timeout, -10, "PUBSUBGW_E_TIMEOUT"), (.protocol, -11, "PUBSUBGW_E_PROTOCOL"),
            (.tls, -12, "PUBSUBGW_E_TLS"), (.auth, -13, "PUBSUBGW_E_AUTH"),
            (.unsupported, -14, "PUBSUBGW_E_UNSUPPORTED"), (.kafka, -1000, "PUBSUBGW_E_KAFKA"),
        ]
        #expect(fixed.count == Status.allCases.count)
        for (status, number, name) in fixed {
            #expect(status.rawValue == number)
            #expect(String(cString: StatusText.name(number)) == name)
            #expect(!String(cString: StatusText.sentence(number)).isEmpty)
        }
    }

    @Test(arguments: [
        (-1001, "OFFSET_OUT_OF_RANGE"), (-1003, "UNKNOWN_TOPIC_OR_PARTITION"),
        (-15, "PUBSUBGW_E_UNKNOWN"), (1, "PUBSUBGW_E_UNKNOWN"),
        (Int(Int32.min), "PUBSUBGW_E_UNKNOWN"), (Int(Int32.max), "PUBSUBGW_E_UNKNOWN"),
        (-33767, "KAFKA_ERROR_32767"), (-33768, "PUBSUBGW_E_UNKNOWN"),
    ])
    func everyNumberHasAName(number: Int, name: String) {
        #expect(String(cString: StatusText.name(Int32(number))) == name)
        // The same text is the same memory, for ever.
        #expect(StatusText.name(Int32(number)) == StatusText.name(Int32(number)))
    }
}
