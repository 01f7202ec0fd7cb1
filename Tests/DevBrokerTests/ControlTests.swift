import DevBroker
import JSON
import Testing
import Timing

@Suite struct ControlTests {
    private let bench = Bench { $0.brokers = 2 }

    private func run(_ line: String) -> String {
        let commands = ControlCommands(bench.cluster)
        let answer = Array(line.utf8).withUnsafeBytes { commands.run($0, now: bench.now) }
        bench.perform()
        return String(decoding: answer, as: UTF8.self)
    }

    @Test("commands do what they say")
    func commands() {
        #expect(run(#"{"do": "create-topic", "topic": "t", "partitions": 2}"#) == #"{"ok":true}"#)
        #expect(
            run(#"{"do": "append", "topic": "t", "values": ["a", "b"]}"#)
                == #"{"ok":true,"offset":0}"#)
        #expect(
            run(#"{"do": "append", "topic": "t", "values": ["c"], "codec": "gzip"}"#)
                == #"{"ok":true,"offset":2}"#)
        let leader = bench.cluster.leader("t", 0) ?? 0
        #expect(
            run(#"{"do": "offsets", "topic": "t"}"#)
                == #"{"ok":true,"log_start":0,"high_watermark":3,"last_stable_offset":3,"#
                + #""log_end":3,"leader":\#(leader)}"#)
        #expect(
            run(#"{"do": "move-leader", "topic": "t", "broker": \#(3 - leader)}"#)
                == #"{"ok":true}"#)
        #expect(bench.cluster.leader("t", 0) == 3 - leader)
        #expect(run(#"{"do": "delete-records", "topic": "t", "offset": 2}"#) == #"{"ok":true}"#)
        #expect(bench.cluster.logStart("t") == 2)
        #expect(run(#"{"do": "take-down", "broker": 1}"#) == #"{"ok":true}"#)
        #expect(bench.listening[1] == false)
        #expect(run(#"{"do": "bring-up", "broker": 1}"#) == #"{"ok":true}"#)
        #expect(run(#"{"do": "delete-topic", "topic": "t"}"#) == #"{"ok":true}"#)
        #expect(bench.cluster.partitionCount("t") == nil)
    }

    @Test("commands about producers")
    func producers() {
        let topic = #"{"do": "create-topic", "topic": "t", "cleanup_policy": "compact","#
        #expect(
            run(topic + #" "message_bytes_max": 200, "in_sync_replicas_min": 2}"#)
                == #"{"ok":true}"#)
        for line in [
            #"{"do": "forget-producers", "topic": "t"}"#,
            #"{"do": "delay-markers", "milliseconds": 100}"#,
            #"{"do": "set-transaction-version", "level": 1}"#,
            #"{"do": "set-quota", "kind": "produce", "per_second": 1000}"#,
            #"{"do": "set-quota", "kind": "request"}"#,
            #"{"do": "inject", "action": "error-after", "code": 7, "api": 0}"#,
        ] { #expect(run(line) == #"{"ok":true}"#) }
        for (line, text) in [
            (#"{"do": "forget-producers", "topic": "x"}"#, "no such topic"),
            (#"{"do": "set-transaction-version", "level": 9}"#, "the release has no level 9"),
            (#"{"do": "set-quota", "kind": "fetch"}"#, "is not produce or request"),
            (
                #"{"do": "set-quota", "kind": "request", "per_second": 0}"#,
                #"\"per_second\" has to be over 0"#
            ),
        ] { #expect(run(line).contains(text)) }
    }

    @Test("refusals say what to do")
    func refusals() {
        #expect(run("x").contains("not a line of JSON"))
        #expect(run("{}") == #"{"ok":false,"error":"a command is an object with \"do\""}"#)
        #expect(run(#"{"do": "dance"}"#).contains("is not a command"))
        #expect(
            run(#"{"do": "append", "topic": "t", "values": "a"}"#)
                == #"{"ok":false,"error":"append: \"values\" has to be an array of strings"}"#)
        #expect(run(#"{"do": "take-down", "broker": 9}"#).contains("no such topic"))
        #expect(run(#"{"do": "inject", "action": "sing"}"#).contains("is not one of error"))
        #expect(
            run(#"{"do": "inject", "action": "damage", "how": "badly"}"#)
                .contains("is not one of checksum, codec, compression, count, cut"))
        #expect(
            run(#"{"do": "move-leader", "topic": "t", "broker": "two"}"#)
                .contains(#"\"broker\" has to be a whole number"#))
    }

    @Test("stats and help are JSON")
    func stats() throws {
        let client = try bench.client()
        _ = client
        let stats = try JSONValue.parse(run(#"{"do": "stats"}"#))
        #expect(stats["brokers"]?.array?.count == 2)
        #expect(stats["brokers"]?.array?.first?["connections_open"]?.int64 == 1)
        #expect(stats["connections"]?.array?.count == 1)
        let help = try JSONValue.parse(run(#"{"do": "help"}"#))
        #expect((help["commands"]?.array?.count ?? 0) > 15)
    }
}
