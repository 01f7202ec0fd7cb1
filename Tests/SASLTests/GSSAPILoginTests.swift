import SASL
import Testing

@Suite("GSSAPI") struct GSSAPILoginTests {
    private func login(_ host: String = "broker.example") -> Login {
        Login(.kerberos(service: "kafka"), host: host, .secure)
    }

    @Test("each token goes to the library and its answer, empty or not, to the server")
    func tokens() throws {
        var client = login()
        #expect(
            try client.take(.begin)
                == .work(.gssapi(.begin(service: "kafka", host: "broker.example"))))
        #expect(try client.take(.worked(.gssapi([1], isComplete: false))) == .send([1]))
        #expect(try client.take(.token([2])) == .work(.gssapi(.answer([2]))))
        #expect(try client.take(.worked(.gssapi([], isComplete: false))) == .send([]))
        #expect(try client.take(.token([3])) == .work(.gssapi(.answer([3]))))
        #expect(try client.take(.worked(.gssapi([4], isComplete: true))) == .send([4]))
        #expect(try client.take(.token([])) == .finished)
    }

    @Test("that the library is done is no success before the server's last, empty answer")
    func last() throws {
        var client = login()
        _ = try client.take(.begin)
        _ = try client.take(.worked(.gssapi([1], isComplete: true)))
        #expect(try client.take(.token([9])) == .work(.gssapi(.answer([9]))))
        var early = login()
        _ = try early.take(.begin)
        _ = try early.take(.worked(.gssapi([1], isComplete: false)))
        // Not done: an empty answer is one to go on with.
        #expect(try early.take(.token([])) == .work(.gssapi(.answer([]))))
    }

    @Test("an address has no principal", arguments: ["127.0.0.1", "::1", "fe80::1%eth0"])
    func address(_ host: String) {
        var client = login(host)
        #expect(throws: SASLError.addressInsteadOfHost(host)) { try client.take(.begin) }
    }

    @Test("a server that goes on for ever, or sends megabytes, is left")
    func hostile() throws {
        var client = login()
        _ = try client.take(.begin)
        #expect(throws: SASLError.unexpectedMessage) {
            for _ in 0..<100 {
                _ = try client.take(.worked(.gssapi([1], isComplete: false)))
                _ = try client.take(.token([2]))
            }
        }
        var other = login()
        _ = try other.take(.begin)
        _ = try other.take(.worked(.gssapi([1], isComplete: false)))
        #expect(throws: SASLError.messageTooLong(1 << 20)) {
            try other.take(.token([UInt8](repeating: 0, count: 1 << 20)))
        }
    }
}
