import EventLoop

extension Command {
    /// How accepted sockets become streams.
    static func transports(
        _ options: Options
    ) throws(Failure) -> (Int32) -> (any StreamTransport)? {
        guard options.certificatePath == nil else { throw Failure("--tls-cert: this build has no TLS") }
        return { PlainTransport($0) }
    }
}
