import Bytes
import GatewayCore
import JSON
import PubSubProtocol
import RecordFormat

/// What hosts hand in as JSON, their commands in JSON requests, and records on their way to them.
let hostTargets = [
    FuzzTarget("host-command-json", seeds: hostRequests) { text in
        for format in [MessageFormat.json, .text] { hostCommand(text, format) }
    },
    FuzzTarget("host-client", seeds: clients) { configuration($0, DirectClient.parse) },
    FuzzTarget("host-policy", seeds: policies) { configuration($0, SessionPolicy.parse) },
    FuzzTarget("host-gateway", seeds: gateways) { configuration($0, GatewaySettings.parse) },
    FuzzTarget("host-options", seeds: options) { configuration($0, DirectClient.options) },
    FuzzTarget("host-records", seeds: hostRecords) { records in
        var reader = KafkaMessageReader(records)
        while let record = try? reader.next() {
            var names = 0
            var count = 0
            let isWhole: Void? = try? record.forEachHeader {
                count += 1
                names += $0.name.count
            }
            require(isWhole != nil, "headers that were read are not found again")
            require(count == record.headerCount, "another number of headers than told")
            require(names == record.headerNameBytes, "names of another length than told")
        }
    },
]

/// A command of the host's gets a whole JSON value, and the rest is as without it.
private func hostCommand(_ text: UnsafeRawBufferPointer, _ format: MessageFormat) {
    let fields = ["cmd_echo": 1000, "cmdEcho": 1000, "count": 1001]
    do throws(MalformedMessage) {
        let request = try PubSubRequest.decode(text, as: format, hostFields: fields)
        guard case .unknown(let field, let place) = request.command else { return }
        require(field == 1000 || field == 1001, "a field that nobody registered")
        require(
            HostAnswer.isJSON(UnsafeRawBufferPointer(rebasing: text[place])),
            "the host gets what is no JSON value")
    } catch {
        require(!error.description.isEmpty, "an error without words")
    }
}

private enum DirectClient {
    static func parse(_ json: UnsafeRawBufferPointer) throws(ConfigurationError) {
        _ = try DirectSource.parse(json, clientID: "fuzz")
    }

    static func options(_ json: UnsafeRawBufferPointer) throws(ConfigurationError) {
        var subscribe = DirectSubscribe(topic: "t", partition: 0, start: .latest)
        try subscribe.readOptions(json)
        require(subscribe.maxBytes > 0 && subscribe.queueBytes > 0, "a size that is none")
    }
}

private func configuration<Settings>(
    _ json: UnsafeRawBufferPointer,
    _ parse: (UnsafeRawBufferPointer) throws(ConfigurationError) -> Settings
) {
    do throws(ConfigurationError) {
        _ = try parse(json)
    } catch {
        require(!error.reason.isEmpty, "an error without words")
        require(error.line >= 1 && error.column >= 1, "an error without a place")
    }
}

// MARK: Inputs to start from

private let hostRequests = bytes([
    #"{"sequence":"1","cmdEcho":{"a":[1,null,"\u00e9"]}}"#, #"{"cmd_echo":"x","sequence":2}"#,
    #"{"count":-1.5e3}"#, #"{"count":null,"cmdPing":{}}"#, #"{"cmdEcho":1,"count":2}"#,
])

private let clients = bytes([
    #"{"route":"k"}"#, #"{"nodes":"a,b:9093","pubsub":{"isolation":"read_committed"}}"#,
    #"{"upstream":{"scheme":"kafka","nodes":{"a:1":1}},"plugins":{"kafka-proxy":{"sasl":"#
        + #"{"username":"u","password":"p"}}},"pubsub":{"fetch":{"min_bytes":2}}}"#,
])

private let policies = bytes([
    #"{"commands":["ping","cmd_echo"],"topics":{"allow":["a*"]},"limits":{"unsent_bytes":5}}"#
])

private let gateways = bytes([
    #"{"threads":2,"host_schemes":["redis","mqtt+x"],"limits":{"sessions":1}}"#
])

private let options = bytes([#"{"max_bytes":1,"queue_bytes":2}"#])

private let hostRecords: [[UInt8]] = [
    [0x0a, 4, 0x1a, 0, 0x22, 0],
    [
        0x0a, 0x13, 8, 5, 0x10, 6, 0x1a, 1, 0x61, 0x22, 1, 0xff, 0xaa, 6, 3, 0x0a, 1, 0x6b, 0xb0,
        6, 1,
    ],
]

private func bytes(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }
