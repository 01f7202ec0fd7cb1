import JSON
import KafkaCore

extension UpstreamObject {
    /// Where a node names no port: Kafka's own.
    static let portDefault: UInt16 = 9092
    static let nodesMax = 1024
    /// They mean nothing to Kafka's brokers, and are checked as the original checks them.
    static let weights = 0...Int(Int32.max)

    static let kafkaScheme = "kafka"
    static let schemeRule =
        "expected a letter of a-z, then up to 31 of a-z, 0-9, \"+\", \"-\", \".\""

    /// An object of its own, with an id perhaps.
    static func parse(
        _ json: UnsafeRawBufferPointer, hostSchemes: Set<String>?, tls check: TLSCheck
    ) throws(ConfigurationError) -> (
        upstream: UpstreamObject, id: String?, value: JSONValue, notes: [String]
    ) {
        var (reader, value) = try ConfigurationReader.document(json)
        var notes: [String] = []
        let id = try RouteDraft.identifier(&reader)
        let upstream = try parse(
            &reader, hostSchemes: hostSchemes, tls: check, notes: &notes)
        return (upstream, id, value, notes)
    }

    /// `hostSchemes` nil: not known; those that only a host could serve are noted.
    static func parse(
        _ reader: inout ConfigurationReader, hostSchemes: Set<String>?, tls check: TLSCheck,
        notes: inout [String]
    ) throws(ConfigurationError) -> UpstreamObject {
        var upstream = UpstreamObject()
        upstream.hostScheme = try scheme(&reader, hostSchemes, &notes)
        if upstream.hostScheme == nil {
            upstream.nodes = try nodes(&reader)
        } else {
            // The host's, in whatever shape it likes them.
            _ = reader.has("nodes")
        }
        upstream.tls = try tls(&reader, check, &notes)
        upstream.timeout = try TimeoutObject.parse(&reader)
        try reader.refuse(
            ["service_name", "discovery_type", "discovery_args"],
            "service discovery is not supported: list the brokers in nodes")
        try balancing(&reader, &notes)
        reader.ignore(
            [
                "retries", "retry_timeout", "keepalive_pool", "checks", "hash_on", "key",
                "pass_host", "upstream_host",
            ], into: &notes)
        for key in ["id", "name", "desc", "labels", "create_time", "update_time"] {
            _ = reader.has(key)
        }
        try reader.end()
        return upstream
    }

    /// How the original spreads requests over nodes; of brokers each has records of its own.
    private static func balancing(
        _ reader: inout ConfigurationReader, _ notes: inout [String]
    ) throws(ConfigurationError) {
        guard let type = try reader.string("type"), type != "none" else { return }
        reader.ignore(["type"], into: &notes)
    }

    /// RFC 3986 section 3.1, in lower case.
    static func isScheme(_ text: String) -> Bool {
        guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
        else { return false }
        return text.utf8.count <= 32
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// nil: Kafka's.
    private static func scheme(
        _ reader: inout ConfigurationReader, _ hostSchemes: Set<String>?,
        _ notes: inout [String]
    ) throws(ConfigurationError) -> String? {
        guard let scheme = try reader.string("scheme") else {
            throw reader.fault(nil, "property \"scheme\" is required: it has to be \"kafka\"")
        }
        guard scheme != kafkaScheme else { return nil }
        guard let hostSchemes else {
            guard isScheme(scheme) else {
                throw reader.fault("scheme", "\"\(scheme.prefix(80))\": \(schemeRule)")
            }
            notes.append("upstream.scheme: \(scheme) has to be served by the host (host_schemes)")
            return scheme
        }
        guard hostSchemes.contains(scheme) else {
            throw reader.fault(
                "scheme",
                "expected \"kafka\", got \"\(scheme)\""
                    + " (list it in host_schemes if the host serves it by commands of its own)")
        }
        return scheme
    }

    static func nodes(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> [Endpoint] {
        guard let value = reader.value("nodes") else { throw reader.missing("nodes") }
        var nodes: [Endpoint] = []
        switch value.content {
        case .object(let object):
            var weighted = try reader.member("nodes", value)
            for member in object.members {
                nodes.append(try endpoint(member.key, reader, at: member.keyPosition))
                guard try weighted.count(member.key, weights) != nil else {
                    throw weighted.fault(member.key, "expected a weight of 0 or more, got null")
                }
            }
        case .array(let array):
            for (index, element) in array.enumerated() {
                var node = try reader.element("nodes", index, element)
                nodes.append(try listed(&node))
            }
        case .string(let text):
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                nodes.append(try endpoint(String(part), reader, at: value.position))
            }
        default:
            throw reader.fault(
                "nodes", "wrong type: expected an object, an array or \"host:port,host:port\"")
        }
        return try distinct(nodes, reader)
    }

    private static func distinct(
        _ nodes: [Endpoint], _ reader: ConfigurationReader
    ) throws(ConfigurationError) -> [Endpoint] {
        guard !nodes.isEmpty else { throw reader.fault("nodes", "at least one broker is needed") }
        guard nodes.count <= nodesMax else {
            throw reader.fault("nodes", "more than \(nodesMax) brokers")
        }
        var seen: Set<Endpoint> = []
        return nodes.filter { seen.insert($0).inserted }
    }

    /// `{"host":"a","port":9092,"weight":1}`
    private static func listed(
        _ node: inout ConfigurationReader
    ) throws(ConfigurationError) -> Endpoint {
        guard let host = try node.string("host") else { throw node.missing("host") }
        let port = try node.count("port", 1...65_535)
        _ = try node.count("weight", weights)
        for key in ["priority", "metadata", "domain"] { _ = node.has(key) }
        try node.end()
        guard let endpoint = endpoint(host: host, port: port.map { UInt16($0) } ?? portDefault)
        else { throw node.fault("host", "not the name or address of a host") }
        return endpoint
    }

    /// `host:port`, `host`, `[address]:port`.
    private static func endpoint(
        _ text: String, _ reader: ConfigurationReader, at place: JSONPosition
    ) throws(ConfigurationError) -> Endpoint {
        guard let endpoint = endpoint(text) else {
            throw reader.fault(
                "nodes", "not a broker's host:port: \"\(text)\"", at: place)
        }
        return endpoint
    }

    static func endpoint(_ text: String) -> Endpoint? {
        var host = Substring(text)
        while host.first == " " { host = host.dropFirst() }
        while host.last == " " { host = host.dropLast() }
        guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") else {
            return endpoint(host: String(host), port: portDefault)
        }
        let digits = host[colon...].dropFirst()
        guard let port = UInt16(digits), port > 0, digits.utf8.allSatisfy({ $0 != 0x2b }) else {
            return nil
        }
        return endpoint(host: String(host[..<colon]), port: port)
    }

    private static func endpoint(host: String, port: UInt16) -> Endpoint? {
        guard isHost(host) else { return nil }
        return Endpoint(host: String(unbracketed(host)), port: port)
    }

    private static func unbracketed(_ host: String) -> Substring {
        host.hasPrefix("[") && host.hasSuffix("]") ? host.dropFirst().dropLast() : host[...]
    }

    /// A name, or an address; an IPv6 address with or without brackets.
    static func isHost(_ host: String) -> Bool {
        let name = unbracketed(host)
        let isAddress = name.utf8.contains(UInt8(ascii: ":"))
        let isBracketed = name.utf8.count < host.utf8.count
        return !name.isEmpty && name.utf8.count <= 253
            && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"/?#@[]\\\"".utf8.contains($0) }
            && (!isAddress || isBracketed
                || name.utf8.filter { $0 == UInt8(ascii: ":") }.count > 1)
    }
}

extension TimeoutObject {
    static func parse(
        _ reader: inout ConfigurationReader
    ) throws(ConfigurationError) -> TimeoutObject {
        guard var object = try reader.reader("timeout") else { return TimeoutObject() }
        let timeout = TimeoutObject(
            connectMilliseconds: try object.seconds("connect"),
            readMilliseconds: try object.seconds("read"))
        _ = try object.seconds("send")
        try object.end()
        return timeout
    }
}
