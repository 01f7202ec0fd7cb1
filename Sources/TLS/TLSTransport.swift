import COpenSSL
import CShims
import EventLoop
import Glibc

/// A stream socket under TLS. What TLS wants to send is collected and sent here, several records
/// at a time; receiving is OpenSSL's.
public final class TLSTransport: StreamTransport {
    public let descriptor: Int32
    private let ssl: OpaquePointer
    private let wire: UnsafeMutablePointer<cshims_tls_wire>
    private let peer: PeerName?

    private enum Phase { case handshaking, open, finishing, failed }
    private var phase = Phase.handshaking
    /// The last read filled its buffer, so OpenSSL may hold more.
    private var mayHoldInput = false

    /// Plain bytes that are encrypted ahead of the socket.
    private static let outputBytesMax = 64 * 1024
    /// RFC 8446 section 5.1: the most plain bytes of one record.
    private static let recordBytesMax = 16 * 1024

    /// The client's end.
    ///
    /// - Parameter host: whom the certificate has to name, and for a name the SNI: the host that
    ///   was asked for, never what it resolved to.
    public convenience init(
        client context: TLSContext, _ descriptor: Int32, host: String
    ) throws(TLSError) {
        precondition(context.isClient, "a server's context")
        try self.init(context, descriptor, peer: PeerName(host))
    }

    /// The server's end.
    public convenience init(
        server context: TLSContext, _ descriptor: Int32
    ) throws(TLSError) {
        precondition(!context.isClient, "a client's context")
        try self.init(context, descriptor, peer: nil)
    }

    private init(
        _ context: TLSContext, _ descriptor: Int32, peer: PeerName?
    ) throws(TLSError) {
        OpenSSLQueue.clear()
        guard let ssl = SSL_new(context.context) else { throw TLSError(openSSLRefuses: "OpenSSL") }
        guard let wire = cshims_tls_attach(ssl, descriptor) else {
            SSL_free(ssl)
            throw TLSError("no memory for TLS")
        }
        self.descriptor = descriptor
        self.ssl = ssl
        self.wire = wire
        self.peer = peer
        if let peer {
            SSL_set_connect_state(ssl)
            try expect(peer, verifies: context.verifies)
        } else {
            SSL_set_accept_state(ssl)
        }
    }

    deinit { SSL_free(ssl) }

    private func expect(_ peer: PeerName, verifies: Bool) throws(TLSError) {
        let parameters = SSL_get0_param(ssl)
        var accepted = true
        switch peer {
        case .name(let name):
            // RFC 6066 section 3: SNI holds names only.
            if cshims_ssl_set_server_name(ssl, name) != 1 { accepted = false }
            X509_VERIFY_PARAM_set_hostflags(
                parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            if X509_VERIFY_PARAM_set1_host(parameters, name, name.utf8.count) != 1 {
                accepted = false
            }
            // An empty name would switch the verification off.
            if name.isEmpty && verifies { accepted = false }
        case .address(let address):
            accepted = X509_VERIFY_PARAM_set1_ip_asc(parameters, address) == 1
        }
        OpenSSLQueue.clear()
        guard accepted else { throw TLSError("not a host name: \(peer.text)") }
    }

    /// `TLSv1.3, TLS_AES_256_GCM_SHA384`, for logs.
    public var agreement: String {
        let cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))
        return String(cString: SSL_get_version(ssl)) + ", "
            + (cipher.map { String(cString: $0) } ?? "?")
    }

    // MARK: Handshake

    public func handshake() -> HandshakeStep {
        if phase == .handshaking {
            OpenSSLQueue.clear()
            let result = SSL_do_handshake(ssl)
            let reason = SSL_get_error(ssl, result)
            // An alert about the failure has to leave too.
            let flushed = cshims_tls_flush(wire)
            if result != 1 {
                guard reason == SSL_ERROR_WANT_READ else { return .failed(handshakeFailure()) }
                if flushed < 0 { return .failed(fail(wireFailure())) }
                return flushed == 0 ? .wantsWrite : .wantsRead
            }
            phase = .open
            // The first records may have come with the end of the handshake.
            mayHoldInput = true
        }
        switch flush() {
        case .failed(let failure): return .failed(failure)
        case .wouldBlock: return .wantsWrite
        case .bytes: return .done
        }
    }

    private func handshakeFailure() -> TransportFailure {
        let error = OpenSSLQueue.take()
        let verdict = SSL_get_verify_result(ssl)
        // Ours, and not something that came before it.
        if cshims_error_is_verification(error) != 0 && verdict != Int(X509_V_OK) {
            return fail(TransportFailure(.tls, verificationText(verdict)))
        }
        if wire.pointee.error != 0 { return fail(wireFailure()) }
        if wire.pointee.ended != 0 && cshims_error_is_alert(error) == 0 {
            return fail(TransportFailure(.tls, "connection closed during the TLS handshake"))
        }
        return fail(TransportFailure(.tls, Self.text(of: error)))
    }

    private func verificationText(_ verdict: Int) -> String {
        switch Int32(verdict) {
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            "certificate does not match host \(peer?.text ?? "?")"
        default: String(cString: X509_verify_cert_error_string(verdict))
        }
    }

    private static func text(of error: UInt) -> String {
        if cshims_error_is_no_tls(error) != 0 { return "the peer does not speak TLS" }
        let text = OpenSSLQueue.text(of: error) ?? "TLS fails"
        return cshims_error_is_alert(error) != 0 ? "refused by the peer: \(text)" : text
    }

    private func wireFailure() -> TransportFailure {
        TransportFailure(SystemError("TLS", errno: wire.pointee.error))
    }

    private func fail(_ failure: TransportFailure) -> TransportFailure {
        phase = .failed
        return failure
    }

    // MARK: Reading

    public func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
        var filled = 0
        while filled < buffer.count {
            OpenSSLQueue.clear()
            var count = 0
            let result = SSL_read_ex(
                ssl, buffer.baseAddress.map { $0 + filled }, buffer.count - filled, &count)
            guard result == 1 else {
                mayHoldInput = false
                // What came before the end or the error is told of first.
                return filled > 0 ? .bytes(filled) : readEnd(SSL_get_error(ssl, result))
            }
            filled += count
        }
        mayHoldInput = true
        return .bytes(filled)
    }

    private func readEnd(_ reason: Int32) -> ReadResult {
        switch reason {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .end
        default: break
        }
        let error = OpenSSLQueue.take()
        if wire.pointee.error != 0 { return .failed(fail(wireFailure())) }
        if wire.pointee.ended != 0 && error == 0 { return .end }
        return .failed(fail(TransportFailure(.tls, Self.text(of: error))))
    }

    public var hasBufferedInput: Bool { mayHoldInput && SSL_has_pending(ssl) == 1 }

    // MARK: Writing

    public var hasPendingOutput: Bool { wire.pointee.sent < wire.pointee.filled }

    public func flush() -> WriteResult {
        switch cshims_tls_flush(wire) {
        case 0: return .wouldBlock
        case 1:
            if phase == .finishing { Socket.shutdownWriting(descriptor) }
            return .bytes(0)
        default: return .failed(fail(wireFailure()))
        }
    }

    public func write(_ vectors: UnsafeBufferPointer<iovec>) -> WriteResult {
        if hasPendingOutput {
            let flushed = flush()
            guard flushed == .bytes(0) else { return flushed }
        }
        var source = VectorCursor(vectors)
        if let failure = encrypt(&source) { return .failed(failure) }
        if cshims_tls_flush(wire) < 0 { return .failed(fail(wireFailure())) }
        return .bytes(source.taken)
    }

    private func encrypt(_ source: inout VectorCursor) -> TransportFailure? {
        withUnsafeTemporaryAllocation(byteCount: Self.recordBytesMax, alignment: 16) { scratch in
            while source.taken < Self.outputBytesMax, let piece = source.next(scratch) {
                OpenSSLQueue.clear()
                var written = 0
                // The wire takes everything: there is no "would block" here.
                guard SSL_write_ex(ssl, piece.baseAddress, piece.count, &written) == 1 else {
                    let error = OpenSSLQueue.take()
                    if wire.pointee.error != 0 { return fail(wireFailure()) }
                    return fail(TransportFailure(.tls, Self.text(of: error)))
                }
            }
            return nil
        }
    }

    public func finish() {
        guard phase == .open else { return Socket.shutdownWriting(descriptor) }
        phase = .finishing
        OpenSSLQueue.clear()
        SSL_shutdown(ssl)
        _ = flush()
    }

    public func close() { Socket.close(descriptor) }
}
