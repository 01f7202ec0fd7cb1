import EventLoop
import Glibc
import TLS
import Testing

/// Bytes through an open connection.
@Suite struct TransferTests {
    func open() throws -> Ends {
        let ends = try Ends(trusting(), serving())
        let steps = ends.shake()
        #expect(steps.client == .done && steps.server == .done)
        return ends
    }

    @Test func bytesGoBothWays() throws {
        let ends = try open()
        defer { ends.close() }
        #expect(ends.client.agreement.hasPrefix("TLSv1.3, TLS_"))
        #expect(ends.client.write("hello") == .bytes(5))
        #expect(ends.server.readText() == "hello")
        #expect(ends.server.write("and back") == .bytes(8))
        #expect(ends.client.readText() == "and back")
        #expect(ends.client.readAll().last == .wouldBlock)
    }

    @Test(arguments: [1, 2, 7, 100, 1000])
    func vectorsOfAllSizesAreOneStream(pieces: Int) throws {
        let ends = try open()
        defer { ends.close() }
        for size in [0, 1, 4095, 4096, 16_384, 16_385, 40_000, 65_536] {
            let sent = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            var taken = 0
            while taken < size {
                guard
                    case .bytes(let count) = ends.client.write(
                        Array(sent[taken...]), pieces: pieces)
                else { break }
                taken += count
            }
            #expect(ends.server.readAll(size: 1000).bytes == sent)
        }
    }

    /// A peer that does not read: what is encrypted ahead is bounded, and nothing is lost.
    @Test func aSlowReaderBlocksTheWriterWithoutLoss() throws {
        let ends = try open()
        defer { ends.close() }
        var sent: [UInt8] = []
        var next: UInt8 = 0
        while sent.count < 50_000_000 {
            let piece = [UInt8](repeating: next, count: 50_000)
            guard case .bytes(let count) = ends.client.write(piece) else { break }
            sent += piece.prefix(count)
            next &+= 1
        }
        #expect(sent.count < 5_000_000)
        #expect(ends.client.hasPendingOutput)
        #expect(ends.client.flush() == .wouldBlock)
        #expect(ends.client.write("more") == .wouldBlock)
        var received: [UInt8] = []
        while received.count < sent.count {
            let part = ends.server.readAll(size: 65_536).bytes
            received += part
            if case .failed(let failure) = ends.client.flush() {
                Issue.record("\(failure)")
                break
            }
        }
        #expect(received == sent)
        #expect(!ends.client.hasPendingOutput)
        #expect(ends.client.flush() == .bytes(0))
    }

    @Test func whoeverStopsReadingKnowsOfWhatIsHere() throws {
        let ends = try open()
        defer { ends.close() }
        #expect(ends.client.write([UInt8](repeating: 1, count: 10_000)) == .bytes(10_000))
        var buffer = [UInt8](repeating: 0, count: 100)
        #expect(buffer.withUnsafeMutableBytes { ends.server.read(into: $0) } == .bytes(100))
        #expect(ends.server.hasBufferedInput)
        #expect(ends.server.readAll().bytes.count == 9900)
        #expect(!ends.server.hasBufferedInput)
    }

    @Test func finishingEndsOneDirection() throws {
        let ends = try open()
        defer { ends.close() }
        #expect(ends.client.write("last") == .bytes(4))
        ends.client.finish()
        let (bytes, last) = ends.server.readAll()
        #expect(bytes == Array("last".utf8) && last == .end)
        #expect(ends.server.write("answer") == .bytes(6))
        #expect(ends.client.readText() == "answer")
    }

    /// What was taken leaves before the end does.
    @Test func finishingWaitsForPendingOutput() throws {
        let ends = try open()
        defer { ends.close() }
        var sent = 0
        while case .bytes(let count) = ends.client.write([UInt8](repeating: 7, count: 60_000)) {
            sent += count
        }
        ends.client.finish()
        #expect(ends.client.hasPendingOutput)
        var received = 0
        var last = ReadResult.wouldBlock
        while last == .wouldBlock && received <= sent {
            _ = ends.client.flush()
            let read = ends.server.readAll(size: 65_536)
            received += read.bytes.count
            last = read.last
        }
        #expect(received == sent && last == .end)
    }

    @Test func anEndWithoutCloseNotifyIsAnEnd() throws {
        let ends = try open()
        defer { ends.server.close() }
        #expect(ends.client.write("x") == .bytes(1))
        ends.client.close()
        let (bytes, last) = ends.server.readAll()
        #expect(bytes == [UInt8(ascii: "x")] && last == .end)
    }

    @Test func writingToAClosedSocketIsAnError() throws {
        let ends = try open()
        defer { ends.client.close() }
        var pipe = sigset_t(), before = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_UNBLOCK, &pipe, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        ends.server.close()
        #expect(ends.client.write("x") == .failed(TransportFailure(.reset, "Broken pipe")))
    }

    @Test func aDamagedRecordEndsTheConnection() throws {
        let (left, middleLeft) = try Socket.pair()
        let (middleRight, right) = try Socket.pair()
        let client = try TLSTransport(
            client: TLSContext(client: trusting()), left, host: "broker.test")
        let server = try TLSTransport(server: TLSContext(server: serving()), right)
        let (toClient, toServer) = (PlainTransport(middleLeft), PlainTransport(middleRight))
        defer {
            for end in [client, server, toClient, toServer] as [any StreamTransport] { end.close() }
        }
        for _ in 0..<10 {
            _ = client.handshake()
            _ = toServer.write(toClient.readAll().bytes)
            _ = server.handshake()
            _ = toClient.write(toServer.readAll().bytes)
        }
        #expect(client.write("payload") == .bytes(7))
        var record = toClient.readAll().bytes
        record[record.count - 1] ^= 1
        _ = toServer.write(record)
        #expect(
            server.readAll().last
                == .failed(TransportFailure(.tls, "decryption failed or bad record mac")))
    }
}
