import GatewayCore
import Testing
import WebSocketProtocol

private func route(_ id: String, _ more: String) -> String {
    #"{"id":"\#(id)",\#(more),"upstream":{"nodes":"a:1","scheme":"kafka"}}"#
}

@Suite struct RouteTableTests {
    @Test("exact before prefix, longer before shorter")
    func specificity() throws {
        let table = try RouteTable.of(
            route("all", #""uri":"/*","priority":9"#), route("long", #""uri":"/a/b*""#),
            route("short", #""uri":"/a*""#), route("exact", #""uri":"/a/b/c""#))
        func match(_ path: String) -> String? { table.match(host: "h", path: path)?.id }
        #expect(match("/a/b/c") == "exact")
        #expect(match("/a/b/cd") == "long")
        #expect(match("/a/b") == "long")
        #expect(match("/a/x") == "short")
        #expect(match("/") == "all")
        #expect(match("/b") == "all")
    }

    @Test("priority, then how well the host fits, then the id")
    func hosts() throws {
        let table = try RouteTable.of(
            route("none", #""uri":"/k""#), route("wild", #""uri":"/k","host":"*.example.com""#),
            route("wilder", #""uri":"/k","host":"*.b.example.com""#),
            route("exact", #""uri":"/k","hosts":["a.example.com","other"]"#),
            route("top", #""uri":"/k","host":"top.example.com","priority":1"#))
        func match(_ host: String?) -> String? { table.match(host: host, path: "/k")?.id }
        #expect(match("a.example.com") == "exact")
        #expect(match("A.Example.COM:8080") == "exact")
        #expect(match("a.example.com.") == "exact")
        #expect(match("c.example.com") == "wild")
        #expect(match("x.b.example.com") == "wilder")
        #expect(match("example.com") == "none")
        #expect(match("evil-example.com") == "none")
        #expect(match("top.example.com") == "top")
        #expect(match("[::1]:80") == "none")
        #expect(match(nil) == "none")
    }

    @Test("a longer prefix whose host does not fit gives way to a shorter one")
    func fallsBack() throws {
        let table = try RouteTable.of(
            route("long", #""uri":"/a/b*","host":"x""#), route("short", #""uri":"/a*""#))
        #expect(table.match(host: "y", path: "/a/b/c")?.id == "short")
    }

    @Test("status 0 keeps a route and matches nothing")
    func disabled() throws {
        let table = try RouteTable.of(route("off", #""uri":"/k","status":0"#))
        #expect(table.match(host: nil, path: "/k") == nil)
        #expect(table.route(id: "off") != nil)
        #expect(table.routeIDs == ["off"])
    }

    @Test("an id that is not the object's own is a slip of the pen")
    func twoIDs() throws {
        var table = RouteTable()
        #expect(throws: ConfigurationError.self) {
            try table.put(route: route("own", #""uri":"/k""#), id: "other")
        }
        try table.put(route: route("own", #""uri":"/k""#), id: "own")
        #expect(table.routeIDs == ["own"])
    }

    @Test("put replaces, remove removes")
    func changes() throws {
        var table = try RouteTable.of(route("r", #""uri":"/old""#))
        try table.put(route: route("r", #""uri":"/new""#))
        #expect(table.match(host: nil, path: "/old") == nil)
        #expect(table.match(host: nil, path: "/new")?.id == "r")
        let (first, second) = (table.remove(route: "r"), table.remove(route: "r"))
        #expect(first && !second)
        #expect(table.match(host: nil, path: "/new") == nil)
    }

    @Test("a refused put changes nothing")
    func refusedPut() throws {
        var table = try RouteTable.of(route("r", #""uri":"/k""#))
        #expect(throws: ConfigurationError.self) { try table.put(route: "{}", id: "r") }
        #expect(table.match(host: nil, path: "/k")?.id == "r")
    }

    @Test("routes follow their upstream; one that is in use cannot be removed")
    func upstreams() throws {
        var table = RouteTable()
        #expect(throws: ConfigurationError.self) {
            try table.put(route: #"{"uri":"/k","upstream_id":7}"#, id: "r")
        }
        try table.put(upstream: #"{"nodes":"a:1","scheme":"kafka"}"#, id: "7")
        try table.put(route: #"{"uri":"/k","upstream_id":7}"#, id: "r")
        let before = try #require(table.route(id: "r"))
        try table.put(upstream: #"{"nodes":"b:2","scheme":"kafka"}"#, id: "7")
        let after = try #require(table.route(id: "r"))
        #expect(before.cluster?.bootstrap.first?.host == "a")
        #expect(after.cluster?.bootstrap.first?.host == "b")
        #expect(after.cluster?.clientID == "test")
        do {
            _ = try table.remove(upstream: "7")
            Issue.record("a used upstream was removed")
        } catch {
            #expect(error.reason == "can not delete upstream 7: route r is still using it")
        }
        let removed = table.remove(route: "r")
        let (first, second) = (try table.remove(upstream: "7"), try table.remove(upstream: "7"))
        #expect(removed && first && !second)
    }

    @Test("a target's path is decoded once; what two parsers may read differently matches nothing")
    func targets() throws {
        let table = try RouteTable.of(route("k", #""uri":"/kafka/*""#), route("x", #""uri":"/x""#))
        func match(_ target: String) -> String? { table.match(host: nil, target: target)?.id }
        #expect(match("/kafka/a?x=/../y") == "k")
        #expect(match("/%6bafka/a") == "k")
        #expect(match("/kafka/") == "k")
        for target in [
            "/kafka/../x", "/kafka/./a", "/kafka/%2e%2e/x", "/kafka%2fa", "/x%00", "/%", "x",
            "/x#f", "//x", "/kafka//x", "/kafka/..;a/x", "/kafka\\x", "/x y", "/kafka/a\r\nb",
            "/kafka/ä", "http://h/x",
        ] {
            #expect(match(target) == nil, "\(target)")
        }
    }

    @Test(arguments: ["", "a b", "ä", String(repeating: "a", count: 65)])
    func badIdentifiers(_ id: String) {
        var table = RouteTable()
        #expect(throws: ConfigurationError.self) {
            try table.put(route: route("r", #""uri":"/k""#), id: id)
        }
    }

    @Test("who asks before the 101 hears what the engine would say, and the sub-protocol")
    func checks() throws {
        let table = try RouteTable.of(route("k", #""uri":"/kafka""#))
        func check(_ head: String) -> Result<String?, HTTPRejection> {
            let opening = SessionOpening(start: .answered(head: Array(head.utf8), subprotocol: nil))
            return Result { () throws(HTTPRejection) in try table.check(opening) }
        }
        func status(_ head: String) -> Int? {
            if case .failure(let refusal) = check(head) { refusal.status } else { nil }
        }
        #expect(try check(Rig.head()).get() == nil)
        let offer = "Sec-WebSocket-Protocol: , x, pubsub.json"
        #expect(try check(Rig.head("/kafka", [offer])).get() == "pubsub.json")
        #expect(try check(Rig.head("/kafka", ["Sec-WebSocket-Protocol: x"])).get() == "x")
        #expect(status(Rig.head("/none")) == 404)
        #expect(status(Rig.head("//kafka")) == 400)
        #expect(status(Rig.head("/kafka", ["Origin: http://gateway.evil"])) == 403)
        #expect(status(Rig.head().replacing("Version: 13", with: "Version: 8")) == 426)
        #expect(status("GET /kafka HTTP/1.1\r\n") == 400)
    }

    @Test("names that are equal to Swift alone are two paths")
    func canonicalEquivalence() throws {
        let table = try RouteTable.of(route("k", #""uri":"/K""#), route("p", #""uri":"/K/*""#))
        #expect("\u{212a}" == "K")
        #expect(table.match(host: nil, target: "/K")?.id == "k")
        #expect(table.match(host: nil, target: "/%E2%84%AA") == nil)
        #expect(table.match(host: nil, target: "/%E2%84%AA/a") == nil)
    }

    @Test(
        "a host that no request can have is an error",
        arguments: ["", "*", "a.*", "**.a", "*a", "a b", "a/b", "a:80", "ä.example", "*.", "."])
    func badHosts(_ host: String) {
        #expect(RouteTable.fault(route("r", #""uri":"/k","host":"\#(host)""#))?.key == "host")
    }

    @Test(
        "a path that no request can have is an error",
        arguments: [
            "kafka", "", "/a*b", "*", "/a/../b", "/a/./b", "//a", "/a//*", "/a/..", "/a\\\\b",
            "/a\\u0000",
        ])
    func badPaths(_ path: String) {
        #expect(RouteTable.fault(route("r", #""uri":"\#(path)""#))?.key == "uri")
    }
}
