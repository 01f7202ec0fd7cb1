import SASL
import TestSupport
import Testing

/// What a server may send instead of what it should. Each would be a hole if it were accepted.
@Suite("Trap 36: SCRAM") struct ScramHostileServerTests {
    private func started() throws -> Login {
        var client = Login(
            SASLCredentials(mechanism: .scramSHA256, username: "user", password: "pencil"),
            host: "h", NonceSource(fixed: bytes("abc")))
        _ = try client.start()
        return client
    }

    private static let refusals: [(String, SASLError)] = [
        ("r=abc,s=c2FsdA==,i=4096", .wrongNonce),
        ("r=abX1,s=c2FsdA==,i=4096", .wrongNonce),
        ("r=,s=c2FsdA==,i=4096", .wrongNonce),
        ("r=abc1,s=c2FsdA==,i=4095", .iterationsOutOfRange(4095)),
        ("r=abc1,s=c2FsdA==,i=1000001", .iterationsOutOfRange(1_000_001)),
        ("r=abc1,s=c2FsdA==,i=-1", .malformedMessage("the iteration count is not a number")),
        ("r=abc1,s=c2FsdA==,i=", .malformedMessage("the iteration count is not a number")),
        (
            "r=abc1,s=c2FsdA==,i=99999999999999999999",
            .malformedMessage("the iteration count is not a number")
        ),
        ("r=abc1,s=,i=4096", .malformedMessage("the salt is not base64")),
        ("r=abc1,s=!!,i=4096", .malformedMessage("the salt is not base64")),
        ("r=abc1,i=4096", .malformedMessage("s= is missing")),
        ("r=abc1,s=c2FsdA==", .malformedMessage("i= is missing")),
        ("m=x,r=abc1,s=c2FsdA==,i=4096", .mandatoryExtension),
        ("e=other-error", .refused("other-error")),
        ("", .malformedMessage("r= is missing")),
        ("r", .malformedMessage("attribute at byte 0")),
        ("=abc", .malformedMessage("attribute at byte 0")),
    ]

    @Test("a bad first message is refused", arguments: refusals)
    func serverFirst(_ message: String, _ error: SASLError) throws {
        var client = try started()
        #expect(throws: error) { try client.receive(bytes(message)) }
    }

    @Test("a huge first message is refused before it is read")
    func hugeServerFirst() throws {
        var client = try started()
        let message = bytes("r=abc1,s=c2FsdA==,i=4096,x=") + [UInt8](repeating: 0x41, count: 5000)
        #expect(throws: SASLError.messageTooLong(message.count)) { try client.receive(message) }
    }

    @Test("an error in the final message is told")
    func serverFinalError() throws {
        var client = try started()
        guard case .work(.derive(let work)) = try client.receive(bytes("r=abc1,s=c2FsdA==,i=4096"))
        else {
            Issue.record("no derivation")
            return
        }
        _ = try client.worked(work)
        #expect(throws: SASLError.refused("invalid-proof")) {
            try client.receive(bytes("e=invalid-proof"))
        }
    }

    @Test("a success without a signature is no success")
    func emptyServerFinal() throws {
        var client = try started()
        guard case .work(.derive(let work)) = try client.receive(bytes("r=abc1,s=c2FsdA==,i=4096"))
        else {
            return
        }
        _ = try client.worked(work)
        #expect(throws: SASLError.malformedMessage("v= is missing")) { try client.receive([]) }
    }

    @Test("messages out of turn are refused")
    func order() throws {
        var client = try started()
        #expect(throws: SASLError.unexpectedMessage) { try client.start() }
        #expect(throws: SASLError.unexpectedMessage) { try client.take(.worked(.key([1]))) }
        _ = try client.receive(bytes("r=abc1,s=c2FsdA==,i=4096"))
        #expect(throws: SASLError.unexpectedMessage) {
            try client.receive(bytes("r=abc1,s=c2FsdA==,i=4096"))
        }
    }

    @Test("nonces are random, printable and without a comma")
    func nonces() throws {
        let credentials = SASLCredentials(
            mechanism: .scramSHA512, username: "u", password: "p")
        var seen: Set<[UInt8]> = []
        for _ in 0..<50 {
            var client = Login(credentials, host: "h", .secure)
            let first = try client.start()
            #expect(first.starts(with: bytes("n,,n=u,r=")))
            let nonce = Array(first.dropFirst(9))
            #expect(nonce.count >= 24)
            #expect(nonce.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x2c })
            seen.insert(nonce)
        }
        #expect(seen.count == 50)
    }
}
