import SASL
import TestSupport
import Testing

/// A whole login as it stands in a specification or was seen between a Kafka client and a broker.
struct ScramTranscript: Sendable, CustomTestStringConvertible {
    var source: String
    var mechanism: SASLMechanism
    var password: String
    var nonce: String
    var clientFirst: String
    var serverFirst: String
    var clientFinal: String
    var serverFinal: String

    var testDescription: String { source }

    static let all = [
        ScramTranscript(
            source: "RFC 7677 section 3", mechanism: .scramSHA256, password: "pencil",
            nonce: "rOprNGfwEbeRWgbNEkqO", clientFirst: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                + "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            clientFinal: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
        ScramTranscript(
            source: "Kafka 4.1.1 with its Java client", mechanism: .scramSHA256, password: "pwd",
            nonce: "k3u9r6iylyd92lt0bapponslr",
            clientFirst: "n,,n=user,r=k3u9r6iylyd92lt0bapponslr",
            serverFirst: "r=k3u9r6iylyd92lt0bapponslruxqrrlqgq9tv4n3tohdek0cq7,"
                + "s=emJyMHdqcjgwMTlrY3ZqYWpicnBncThtdg==,i=4096",
            clientFinal: "c=biws,r=k3u9r6iylyd92lt0bapponslruxqrrlqgq9tv4n3tohdek0cq7,"
                + "p=vvYuGtHCC9GiERHcfP2Oqm1pByIfFe5noaOJV/uAah4=",
            serverFinal: "v=7m7M8PIVuVZakGtzOuZey/61L7ElVua/HkFVli1daW4="),
        ScramTranscript(
            source: "Kafka 4.1.1 with its Java client, SHA-512", mechanism: .scramSHA512,
            password: "pwd", nonce: "z1fqskfoz7cwj2jldmnlp6ezq",
            clientFirst: "n,,n=user,r=z1fqskfoz7cwj2jldmnlp6ezq",
            serverFirst: "r=z1fqskfoz7cwj2jldmnlp6ezq18x4adhq8me8op3dny0ubfqkh7,"
                + "s=bjA4ejc3ZnRqOGlwOWt3aGw3ZXZrM3ZwNw==,i=4096",
            clientFinal: "c=biws,r=z1fqskfoz7cwj2jldmnlp6ezq18x4adhq8me8op3dny0ubfqkh7,"
                + "p=WovtKwfYqDzYhF8XiBcqa0ltuyq/fU3jszMyD8L6d3ZSCPz4NTEh5F6xada8JTd1woDjhS7IyEejU"
                + "UpK92+5BQ==",
            serverFinal: "v=O/JKK6v0IIEiHkrbZ5ijdHEK/cRm50OjphUWDAZw4DSXBAM/5N8xZGQzJ7EILd2K62I0xc"
                + "OKBWHomoY/7czFoQ=="),
    ]
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct ScramVectorTests {
    @Test("a client reproduces the transcript", arguments: ScramTranscript.all)
    func client(_ vector: ScramTranscript) throws {
        var client = Login(
            SASLCredentials(
                mechanism: vector.mechanism, username: "user", password: vector.password),
            host: "h", NonceSource(fixed: bytes(vector.nonce)))
        #expect(text(try client.start()) == vector.clientFirst)
        guard case .work(.derive(let work)) = try client.receive(bytes(vector.serverFirst)) else {
            Issue.record("no derivation")
            return
        }
        #expect(work.iterations == 4096)
        #expect(text(try client.worked(work)) == vector.clientFinal)
        #expect(try client.receive(bytes(vector.serverFinal)) == .finished)
    }

    @Test("a changed server signature is found", arguments: ScramTranscript.all)
    func forgedSignature(_ vector: ScramTranscript) throws {
        var client = Login(
            SASLCredentials(
                mechanism: vector.mechanism, username: "user", password: vector.password),
            host: "h", NonceSource(fixed: bytes(vector.nonce)))
        _ = try client.start()
        guard case .work(.derive(let work)) = try client.receive(bytes(vector.serverFirst)) else {
            Issue.record("no derivation")
            return
        }
        _ = try client.worked(work)
        var forged = bytes(vector.serverFinal)
        forged[2] = forged[2] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        #expect(throws: SASLError.wrongServerSignature) { try client.receive(forged) }
    }
}
