import EventLoop
import Glibc
import TLS
import Testing

/// Both ends of a connection, driven in turn on one thread.
struct Ends {
    let client: TLSTransport
    let server: TLSTransport

    init(
        _ clientOptions: TLSClientOptions, _ serverOptions: TLSServerOptions,
        host: String = "broker.test"
    ) throws {
        let (left, right) = try Socket.pair()
        client = try TLSTransport(
            client: TLSContext(client: clientOptions), left, host: host)
        server = try TLSTransport(server: TLSContext(server: serverOptions), right)
    }

    /// Runs both handshakes as far as they go.
    @discardableResult
    func shake() -> (client: HandshakeStep, server: HandshakeStep) {
        var steps = (client: HandshakeStep.wantsWrite, server: HandshakeStep.wantsRead)
        for _ in 0..<20 {
            if !steps.client.isDecided { steps.client = client.handshake() }
            if !steps.server.isDecided { steps.server = server.handshake() }
            if case .failed = steps.client { client.close() }
            if case .failed = steps.server { server.close() }
            if steps.client.isDecided && steps.server.isDecided { break }
        }
        return steps
    }

    func close() {
        client.close()
        server.close()
    }
}

extension HandshakeStep {
    var isDecided: Bool {
        switch self {
        case .done, .failed: true
        default: false
        }
    }

    var failure: String? {
        if case .failed(let failure) = self { failure.text } else { nil }
    }
}

extension StreamTransport {
    func write(_ bytes: [UInt8], pieces: Int = 1) -> WriteResult {
        var bytes = bytes
        return bytes.withUnsafeMutableBytes { buffer in
            let size = buffer.count / pieces
            let vectors = (0..<pieces).map { index in
                iovec(
                    iov_base: buffer.baseAddress.map { $0 + index * size },
                    iov_len: index == pieces - 1 ? buffer.count - index * size : size)
            }
            return vectors.withUnsafeBufferPointer { write($0) }
        }
    }

    func write(_ text: String) -> WriteResult { write(Array(text.utf8)) }

    /// What is there, in reads of `size` bytes, and how the reading ended.
    func readAll(size: Int = 4096) -> (bytes: [UInt8], last: ReadResult) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: size)
        while true {
            let result = buffer.withUnsafeMutableBytes { read(into: $0) }
            guard case .bytes(let count) = result else { return (bytes, result) }
            bytes += buffer[..<count]
        }
    }

    func readText() -> String { String(decoding: readAll().bytes, as: UTF8.self) }
}

let certificates = TestCertificates.shared

func trusting(_ text: String = certificates.authority.certificate) -> TLSClientOptions {
    var options = TLSClientOptions()
    options.trust = .pem(text)
    return options
}

func serving(
    _ identity: TestCertificates.Identity = certificates.server, clientCA: String? = nil
) -> TLSServerOptions {
    TLSServerOptions(
        certificatePEM: identity.certificate, keyPEM: identity.key, clientCAPEM: clientCA)
}
