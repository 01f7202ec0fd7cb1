import Bytes

extension BrokerConnection {
    /// What the end of this connection says about the broker. The heuristics are franz-go's
    /// (`ErrFirstReadEOF`): a listener that expects something else just hangs up. Where one of the
    /// cluster has answered before, this one was restarted, or has had enough of us.
    func diagnosis(_ failure: ConnectionFailure) -> KafkaFailure {
        var cause = "\(endpoint): \(OutsideText.cleaned(failure.text))"
        switch failure.kind {
        case .closed, .reset:
            if case .asksVersions = state, !hasReceived, context.settings.tls == nil,
                !memory.speaksAsWe
            {
                cause += " at the first request: does the listener expect TLS?"
            } else if state == .ready, context.settings.sasl == nil, !hasAnswered,
                !memory.serves
            {
                cause += " at the first request: does the listener expect SASL?"
            } else if frames.isInsideFrame {
                cause += " in the middle of a response"
            }
        case .resolve, .refused, .unreachable, .timedOut, .tls, .credentials: break
        }
        return .connection(failure.kind, FailureMapping.text(of: failure), cause: cause)
    }

    /// Whether the reset may be the answer to a version of ApiVersions that the server lacks.
    func mayRefuseApiVersions(_ failure: ConnectionFailure) -> Bool {
        guard case .asksVersions(let version) = state, version > 0, !hasReceived else {
            return false
        }
        return failure.kind == .closed || failure.kind == .reset
    }
}
