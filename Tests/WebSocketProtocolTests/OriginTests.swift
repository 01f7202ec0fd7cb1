import Testing

@testable import WebSocketProtocol

/// Cross-site WebSocket hijacking: which pages may connect.
@Suite struct OriginTests {
    func sameHost(_ origin: String?, _ host: String) -> Bool {
        OriginPolicy.sameHost.allows(
            origin: origin, host: Authority(host) ?? Authority(host: "", port: nil))
    }

    @Test func theDefaultIsTheSameHost() {
        #expect(sameHost(nil, "example.com"))
        #expect(sameHost("https://example.com", "example.com"))
        #expect(sameHost("https://EXAMPLE.com", "example.COM"))
        #expect(sameHost("https://example.com", "example.com:443"))
        #expect(sameHost("http://example.com:8080", "example.com:8080"))
        #expect(sameHost("http://[::1]:8080", "[::1]:8080"))
    }

    @Test(arguments: [
        "https://example.com.evil.org", "https://evil-example.com", "https://sub.example.com",
        "https://example.com:8443", "null", "", "example.com", "https://example.com/",
        "https://user@example.com", "https://example.com, https://evil.org", "file://",
        "https://example.com:443:443", "https://example.com\\@evil.org",
        "ws://example.com", "wss://example.com", "app://example.com", "9s://example.com",
        "https://example.com https://example.com", "https//example.com", "//example.com",
    ])
    func everyOtherIsForeign(origin: String) { #expect(!sameHost(origin, "example.com")) }

    func allows(_ patterns: [String], _ origin: String) throws -> Bool {
        try OriginPolicy(patterns).allows(origin: origin, host: Authority(host: "h", port: nil))
    }

    @Test func patternsMatchExactly() throws {
        #expect(try allows(["https://a.com"], "https://a.com"))
        #expect(try allows(["https://a.com"], "https://a.com:443"))
        #expect(try allows(["https://a.com:8443"], "https://a.com:8443"))
        #expect(try !allows(["https://a.com"], "http://a.com"))
        #expect(try !allows(["https://a.com"], "https://a.com:8443"))
        #expect(try !allows(["https://a.com"], "https://b.a.com"))
        #expect(try !allows(["https://a.com"], "https://h"))
    }

    @Test func starsStandForSubdomains() throws {
        #expect(try allows(["*.example.com"], "https://a.example.com"))
        #expect(try allows(["*.example.com"], "http://a.b.Example.com"))
        #expect(try !allows(["*.example.com"], "https://example.com"))
        #expect(try !allows(["*.example.com"], "https://aexample.com"))
        #expect(try !allows(["*.example.com"], "https://a.example.com.evil.org"))
        #expect(try !allows(["*.example.com"], "https://a.example.com:8443"))
        #expect(try allows(["*.example.com:8443"], "https://a.example.com:8443"))
        #expect(try allows(["https://*.example.com"], "https://a.example.com"))
        #expect(try !allows(["https://*.example.com"], "http://a.example.com"))
    }

    @Test("the default port may be written or not")
    func defaultPorts() throws {
        #expect(sameHost("http://example.com:80", "example.com"))
        #expect(sameHost("http://example.com", "example.com:80"))
        #expect(sameHost("https://example.com:443", "example.com"))
        #expect(!sameHost("http://example.com:443", "example.com"))
        #expect(!sameHost("https://example.com", "example.com:80"))
        #expect(try allows(["https://a.com:443"], "https://a.com"))
        #expect(try allows(["a.app://a.com"], "a.app://a.com"))
    }

    @Test(
        "a value that is no origin (RFC 6454 section 7.1) is nobody's, whatever is listed",
        arguments: [
            "", "example.com", "https://", "https://a.com/", "https://a.com https://b.com",
            "NULL", "null, https://a.com", "https://a b", "1://a.com", "*",
        ])
    func noOrigins(text: String) throws {
        #expect(try !allows(["*"], text))
        #expect(try !allows(["null", "https://a.com", "*.com"], text))
    }

    @Test("pages of files are let in by name, or with everybody")
    func files() throws {
        #expect(try allows(["*"], "file://") && allows(["file://"], "file://"))
        #expect(try !allows(["null"], "file://") && !allows(["https://a.com"], "file://"))
    }

    @Test func everybodyAndNobody() throws {
        #expect(try allows(["*"], "https://evil.org"))
        #expect(try allows(["*"], "null"))
        #expect(try allows(["null"], "null"))
        #expect(try !allows(["https://a.com"], "null"))
    }

    @Test(arguments: ["", "a.com", "https://", "https://a*.com", "https://a.com/path", "**", "*."])
    func patternsThatMeanNothing(pattern: String) {
        #expect(throws: OriginPolicy.PatternError.malformed(pattern)) {
            try OriginPolicy([pattern])
        }
    }

    @Test func aKnownSubprotocolIsChosenAndASingleUnknownOneConfirmed() {
        let ours = ["pubsub.proto", "pubsub.json"]
        #expect(Subprotocol.choose(offered: [], supported: ours) == nil)
        #expect(
            Subprotocol.choose(offered: ["x", "pubsub.json", "pubsub.proto"], supported: ours)
                == "pubsub.json")
        #expect(Subprotocol.choose(offered: ["x"], supported: ours) == "x")
        #expect(Subprotocol.choose(offered: ["x", "y"], supported: ours) == nil)
    }
}
