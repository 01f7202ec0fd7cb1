import CShims
import Compression
import DevBroker
import EventLoop
import Glibc
import Timing

/// From the command line to a running cluster.
enum Command {
    struct Failure: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    static func run(_ arguments: [String]) -> Int32 {
        // A client that hangs up must be an error of write, not the end.
        signal(SIGPIPE, SIG_IGN)
        // Frames of a megabyte come and go: memory that is mapped anew for each costs more than
        // the copy into it.
        cshims_malloc_keep_large_blocks()
        let options: Options
        do throws(Options.Refusal) {
            options = try Options(arguments)
        } catch {
            complain("pubsubgw-devbroker: \(error.text)")
            return 2
        }
        if options.wantsHelp {
            print(Options.help)
            return 0
        }
        do throws(Failure) {
            try serve(options)
            return 0
        } catch {
            complain("pubsubgw-devbroker: \(error.text)")
            return 1
        }
    }

    static func complain(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }

    private static func serve(_ options: Options) throws(Failure) {
        var settings = options.settings
        settings.wallClockMilliseconds = wallClockOrigin()
        let cluster = BrokerCluster(settings, seed: UInt64(wallClockOrigin()))
        try prepare(cluster, options)
        let loop = try loop()
        let server = BrokerServer(
            cluster, loop: loop, complain: complain, transport: try transports(options))
        try listen(server, options)
        let control = try ControlPort(options.control, server)
        for live in options.live {
            LiveWriter(server, topic: live.topic, perSecond: live.perSecond).start()
        }
        fflush(nil)
        loop.run()
        withExtendedLifetime((server, control)) {}
    }

    /// Milliseconds since 1970 at `Instant.zero`.
    private static func wallClockOrigin() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let now = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        return now - MonotonicClock.now().milliseconds(since: .zero)
    }

    private static func loop() throws(Failure) -> EventLoop {
        do throws(SystemError) {
            return try EventLoop()
        } catch {
            throw Failure("\(error)")
        }
    }

    private static func prepare(_ cluster: BrokerCluster, _ options: Options) throws(Failure) {
        for topic in options.topics {
            guard cluster.createTopic(topic.name, partitions: topic.partitions) else {
                throw Failure("--topic \(topic.name): not a topic's name, or given twice")
            }
        }
        for name in options.records.map(\.topic) + options.live.map(\.topic)
        where cluster.partitionCount(name) == nil {
            guard cluster.createTopic(name) else { throw Failure("\(name) is not a topic's name") }
        }
        var filler = Filler()
        filler.codec = options.codec
        filler.content = options.content
        filler.batchBytes = options.batchBytes
        for records in options.records {
            do throws(CompressionError) {
                try filler.fill(
                    records.topic, count: records.count, size: records.size, in: cluster,
                    now: MonotonicClock.now())
            } catch {
                throw Failure("--records \(records.topic): \(error)")
            }
        }
    }

    private static func listen(_ server: BrokerServer, _ options: Options) throws(Failure) {
        for id in server.cluster.brokerIDs {
            let port = options.port == 0 ? 0 : Int(options.port) + Int(id) - 1
            guard let port = UInt16(exactly: port),
                let address = SocketAddress(literal: options.host, port: port)
            else {
                throw Failure(
                    "--host \(options.host): give an IP address; ports go up to 65535")
            }
            do throws(SystemError) {
                let bound = try server.listen(
                    broker: id, on: address, advertised: options.advertised)
                print("broker \(id) listens at \(options.advertised ?? options.host):\(bound)")
            } catch {
                throw Failure("\(options.host):\(port): \(error); is another broker running?")
            }
        }
    }
}
