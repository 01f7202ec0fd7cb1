import Compression
import DevBroker
import SASL

/// The command line.
struct Options {
    struct Topic {
        var name: String
        var partitions: Int32
    }

    struct Records {
        var topic: String
        var count: Int
        var size: Int
    }

    struct Live {
        var topic: String
        var perSecond: Double
    }

    var settings = BrokerSettings()
    var host = "127.0.0.1"
    var port: UInt16 = 0
    var advertised: String?
    var topics: [Topic] = []
    var records: [Records] = []
    var live: [Live] = []
    var codec = Codec.none
    var content = Filler.Content.dots
    var batchBytes = 16_384
    var certificatePath: String?
    var keyPath: String?
    var clientCAPath: String?
    /// "-" is the standard input.
    var control: String?
    var wantsHelp = false

    struct Refusal: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    init(_ arguments: [String]) throws(Refusal) {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            if option == "-h" || option == "--help" {
                wantsHelp = true
                return
            }
            if option == "--no-auto-create" {
                settings.createsTopics = false
                continue
            }
            if option == "--unsecured-tokens" {
                settings.tokens.takesUnsecured = true
                continue
            }
            guard Self.known.contains(option) else {
                throw Refusal("\(option) is not an option; --help lists them")
            }
            guard let value = rest.popFirst() else { throw Refusal("\(option) needs a value") }
            try take(option, value)
        }
        try checkTLS()
        advertised = advertised ?? (host == "0.0.0.0" || host == "::" ? "127.0.0.1" : host)
    }

    private static let known: Set<String> = [
        "--brokers", "--host", "--port", "--advertise", "--topic", "--records", "--live",
        "--codec", "--content", "--batch-bytes", "--profile", "--tls-cert", "--tls-key",
        "--client-ca",
        "--sasl", "--delegation-token", "--token", "--kerberos", "--session-lifetime",
        "--retention-bytes", "--control",
    ]

    private mutating func take(_ option: String, _ value: String) throws(Refusal) {
        switch option {
        case "--brokers": settings.brokers = try number(option, value, 1...1000)
        case "--host": host = value
        case "--port": port = UInt16(try number(option, value, 0...65_535))
        case "--advertise": advertised = value
        case "--topic": topics.append(try topic(value))
        case "--records": records.append(try records(value))
        case "--live": live.append(try live(value))
        case "--codec": codec = try codec(value)
        case "--content":
            guard let known = Filler.Content(rawValue: value) else {
                throw Refusal("--content \(value): give dots or words")
            }
            content = known
        case "--batch-bytes": batchBytes = try number(option, value, 1...(64 << 20))
        case "--profile": settings.profile = try profile(value)
        case "--tls-cert": certificatePath = value
        case "--tls-key": keyPath = value
        case "--client-ca": clientCAPath = value
        case "--sasl": try addUser(value)
        case "--delegation-token": try addDelegationToken(value)
        case "--token": try addToken(value)
        case "--kerberos": settings.kerberosHost = value
        case "--session-lifetime":
            settings.sessionLifetimeMilliseconds = Int64(try number(option, value, 0...(1 << 40)))
        case "--retention-bytes":
            settings.retentionBytes = try number(option, value, 1...(1 << 40))
        default: control = value
        }
    }

    private func number(
        _ option: String, _ value: String, _ range: ClosedRange<Int>
    ) throws(Refusal) -> Int {
        guard let number = Int(value), range.contains(number) else {
            throw Refusal(
                "\(option) \(value): give a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func topic(_ value: String) throws(Refusal) -> Topic {
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 1 { return Topic(name: value, partitions: 1) }
        guard parts.count == 2, let count = Int32(parts[1]), (1...10_000).contains(count) else {
            throw Refusal("--topic \(value): give NAME or NAME:PARTITIONS")
        }
        return Topic(name: String(parts[0]), partitions: count)
    }

    private func records(_ value: String) throws(Refusal) -> Records {
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let count = Int(parts[1]), let size = Int(parts[2]),
            (0...100_000_000).contains(count), (0...10_000_000).contains(size)
        else { throw Refusal("--records \(value): give TOPIC:COUNT:SIZE, as in demo:1000:100") }
        return Records(topic: String(parts[0]), count: count, size: size)
    }

    private func live(_ value: String) throws(Refusal) -> Live {
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let rate = Double(parts[1]), rate > 0, rate <= 1e6 else {
            throw Refusal("--live \(value): give TOPIC:RECORDS-A-SECOND, as in demo:10")
        }
        return Live(topic: String(parts[0]), perSecond: rate)
    }

    private func codec(_ value: String) throws(Refusal) -> Codec {
        guard let codec = Codec.allCases.first(where: { $0.name == value }) else {
            throw Refusal("--codec \(value): give none, gzip, snappy, lz4 or zstd")
        }
        guard codec.isAvailable else {
            throw Refusal("--codec \(value): the library is not on this machine")
        }
        return codec
    }

    private func profile(_ value: String) throws(Refusal) -> BrokerProfile {
        guard let profile = BrokerProfile(rawValue: value) else {
            let names = BrokerProfile.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal("--profile \(value): give one of \(names)")
        }
        return profile
    }

    private mutating func addUser(_ value: String) throws(Refusal) {
        let parts = value.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, !parts[0].isEmpty else {
            throw Refusal("--sasl: give USER:PASSWORD or USER:PASSWORD:MECHANISM")
        }
        var mechanisms = SASLMechanism.ofPasswords
        if parts.count == 3 {
            guard let mechanism = SASLMechanism(rawValue: String(parts[2])),
                SASLMechanism.ofPasswords.contains(mechanism)
            else {
                let names = SASLMechanism.ofPasswords.map(\.rawValue).joined(separator: ", ")
                throw Refusal("--sasl: \(parts[2]) is not one of \(names)")
            }
            mechanisms = [mechanism]
        }
        settings.users.add(
            String(parts[0]), password: String(parts[1]), mechanisms: mechanisms)
    }

    private mutating func addDelegationToken(_ value: String) throws(Refusal) {
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts.contains("") else {
            throw Refusal("--delegation-token: give ID:HMAC:OWNER")
        }
        settings.users.addDelegationToken(
            String(parts[0]), hmac: String(parts[1]), owner: String(parts[2]))
    }

    private mutating func addToken(_ value: String) throws(Refusal) {
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts.contains("") else {
            throw Refusal("--token: give TOKEN:USER")
        }
        settings.tokens.add(String(parts[0]), user: String(parts[1]))
    }

    private func checkTLS() throws(Refusal) {
        guard (certificatePath == nil) == (keyPath == nil) else {
            throw Refusal("--tls-cert and --tls-key belong together")
        }
        guard clientCAPath == nil || certificatePath != nil else {
            throw Refusal("--client-ca needs --tls-cert and --tls-key")
        }
    }

    static let help = """
        usage: pubsubgw-devbroker [OPTION VALUE]...

        A Kafka cluster in memory, for trying things out and for tests. Prints a line for each
        broker, with its address, and runs until it is killed.

          --brokers N               how many brokers (1)
          --host ADDRESS            where to listen (127.0.0.1)
          --port P                  port of the first broker, the others follow; 0: any (0)
          --advertise HOST          the host that clients are told (that of --host)
          --topic NAME[:PARTITIONS] makes a topic; may be given several times
          --records TOPIC:COUNT:SIZE
                                    writes COUNT records of SIZE bytes first
          --live TOPIC:RATE         writes RATE records a second from then on
          --codec CODEC             of --records: none, gzip, snappy, lz4, zstd (none)
          --content CONTENT         of --records: dots, or words, which compress as log lines do
          --batch-bytes N           size of their batches (16384)
          --profile VERSION         what to look like: 2.1, 2.8, 3.9, 4.1 (4.1)
          --no-auto-create          clients do not make topics by asking for them
          --retention-bytes N       kept of each partition (1 GiB)
          --tls-cert FILE --tls-key FILE
                                    PEM files; clients have to use TLS
          --client-ca FILE          clients have to show a certificate of this authority
          --sasl USER:PASSWORD[:MECHANISM]
                                    clients have to log in: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
                                    (all three); may be given several times
          --delegation-token ID:HMAC:OWNER
                                    SCRAM with tokenauth is taken, too
          --token TOKEN:USER        OAUTHBEARER is taken with this token, which has no end; the
                                    control command "add-token" adds those with one
          --kerberos HOST           GSSAPI is taken, as the principal kafka/HOST; its key is in the
                                    keytab that KRB5_KTNAME names (needs libsasl2.so.2)
          --unsecured-tokens        OAUTHBEARER is taken with any JWS whose "alg" is "none" and
                                    that has a "sub" and an "exp"
          --session-lifetime MS     after this time they have to log in again (never)
          --control PATH            takes commands at this Unix socket, one JSON object a line,
                                    answered by one; "-": standard input and output, and the end
                                    of the input ends the cluster. {"do": "help"} lists them

        Kafka's own port:  pubsubgw-devbroker --port 9092 --records demo:1000:100 --live demo:10
        """
}
