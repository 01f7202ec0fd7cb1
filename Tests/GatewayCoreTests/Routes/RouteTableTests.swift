import GatewayCore
import Testing

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
        #expect(match("/x#f") == "x")
        for target in [
            "/kafka/../x", "/kafka/./a", "/kafka/%2e%2e/x", "/kafka%2fa", "/x%00", "/%", "x",
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

    @Test(arguments: ["kafka", "", "/a*b", "*"])
    func badPaths(_ path: String) {
        #expect(RouteTable.fault(route("r", #""uri":"\#(path)""#))?.key == "uri")
    }
}
