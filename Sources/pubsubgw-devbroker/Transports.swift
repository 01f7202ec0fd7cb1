import EventLoop
import Glibc
import TLS

extension Command {
    /// How accepted sockets become streams: as they are, or the server's end of TLS.
    static func transports(
        _ options: Options
    ) throws(Failure) -> (Int32) -> (any StreamTransport)? {
        guard let certificatePath = options.certificatePath, let keyPath = options.keyPath else {
            return { PlainTransport($0) }
        }
        let tls = TLSServerOptions(
            certificatePEM: try text(of: certificatePath, "--tls-cert"),
            keyPEM: try text(of: keyPath, "--tls-key"),
            clientCAPEM: try options.clientCAPath.map { path throws(Failure) in
                try text(of: path, "--client-ca")
            })
        do throws(TLSError) {
            let context = try TLSContext(server: tls)
            return { try? TLSTransport(server: context, $0) }
        } catch {
            throw Failure("--tls-cert, --tls-key, --client-ca: \(error)")
        }
    }

    private static func text(of path: String, _ option: String) throws(Failure) -> String {
        guard let file = fopen(path, "r") else {
            throw Failure("\(option) \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
