import Runtime
import Testing

struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:80", ListenAddress.tcp(host: "127.0.0.1", port: 80)),
        ("localhost:0", .tcp(host: "127.0.0.1", port: 0)),
        ("*:65535", .tcp(host: nil, port: 65535)),
        ("[::1]:8080", .tcp(host: "::1", port: 8080)),
        ("unix:/run/x.sock", .unix(path: "/run/x.sock", mode: 0o660)),
        ("unix:@name", .abstract(name: "name")),
        ("fd:3", .descriptor(3)),
    ])
    func reads(text: String, address: ListenAddress) throws {
        #expect(try ListenAddress(text, mode: 0) == address)
    }

    @Test func aUnixSocketHasAMode() throws {
        #expect(
            try ListenAddress("unix:/x", mode: 0o600) == .unix(path: "/x", mode: 0o600))
    }

    @Test(arguments: [
        "", ":", "x", "1.2.3.4", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", ":80", "1.2.3.4:+1",
        "1.2.3.4:-1", "::1:80", "[]:80", "unix:", "unix:@", "fd:", "fd:+1", "fd:x", "fd:-1",
        "fd:2147483648",
        "unix:/" + String(repeating: "x", count: 107),
    ])
    func refuses(text: String) {
        let failure = #expect(throws: Failure.self) { try ListenAddress(text, mode: 0) }
        #expect(failure?.status == .invalid)
    }

    @Test(arguments: [
        ("127.0.0.1:1", 0o600), ("unix:/x", -1), ("unix:/x", 0o1000), ("unix:@x", 0o600),
        ("fd:3", 0o600),
    ])
    func refusesModes(text: String, mode: Int) {
        #expect(throws: Failure.self) { try ListenAddress(text, mode: Int32(mode)) }
    }
}
