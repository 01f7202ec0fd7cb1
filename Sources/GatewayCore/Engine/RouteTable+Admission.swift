import PubSubProtocol
import WebSocketProtocol

/// Why a client is not let in.
struct AdmissionRefusal: Error {
    let rejection: HTTPRejection
    var route = ""
    /// Of the client's request, for the log alone: the one who is to allow it must know it.
    var what = ""
}

extension RouteTable {
    /// The route that a client is let in to: admission but for the limits.
    func admit(
        _ request: UpgradeRequest, _ opening: SessionOpening
    ) throws(AdmissionRefusal) -> Route {
        try admit(request.host, request.path, request.origin, opening)
    }

    /// The same for a request that brings a command.
    func admit(
        _ request: PostRequest, _ opening: SessionOpening
    ) throws(AdmissionRefusal) -> Route {
        try admit(request.host, request.path, request.origin, opening)
    }

    private func admit(
        _ host: Authority, _ path: String, _ origin: String?, _ opening: SessionOpening
    ) throws(AdmissionRefusal) -> Route {
        guard let route = route(host, path, opening) else {
            throw AdmissionRefusal(rejection: .noRoute, what: path)
        }
        guard route.policy.origins.allows(origin: origin, host: host) else {
            throw AdmissionRefusal(
                rejection: .foreignOrigin, route: route.id, what: origin ?? "")
        }
        return route
    }

    private func route(_ host: Authority, _ path: String, _ opening: SessionOpening) -> Route? {
        guard let id = opening.routeID else {
            // The host's own rules were applied to what it says, not to what the head says.
            guard let uri = opening.uri else { return match(host: host.host, path: path) }
            return match(host: opening.host ?? host.host, target: uri)
        }
        return route(id: id).flatMap { $0.isEnabled ? $0 : nil }
    }

    /// For a host that has not answered the upgrade yet: whether the client would be let in, limits
    /// aside, and the sub-protocol to agree to.
    public func check(_ opening: SessionOpening) throws(HTTPRejection) -> String? {
        guard let request = try opening.request() else { return nil }
        do throws(AdmissionRefusal) {
            _ = try admit(request, opening)
        } catch {
            throw error.rejection
        }
        return opening.subprotocol(of: request)
    }
}

extension SessionOpening {
    /// What is known of the client's request before a byte of the client's is read; nil: nothing.
    func request() throws(HTTPRejection) -> UpgradeRequest? {
        switch start {
        case .accepted: return nil
        case .head(let head), .answered(let head, _): return try Self.request(head)
        case .agreed(let key, let subprotocol, let extensions):
            return try UpgradeRequest(
                toldHost: host, uri: uri, origin: origin, key: key, subprotocol: subprotocol,
                extensions: extensions)
        }
    }

    private static func request(_ head: [UInt8]) throws(HTTPRejection) -> UpgradeRequest {
        var parser = UpgradeParser()
        switch head.withUnsafeBytes({ parser.feed($0) }) {
        case .needMore: throw .incompleteHead
        case .rejected(let rejection): throw rejection
        case .request(let request, _): return request
        case .post: throw .method
        }
    }

    func subprotocol(of request: UpgradeRequest) -> String? {
        if case .answered(_, let agreed?) = start { return agreed }
        return Subprotocol.choose(
            offered: request.protocols, supported: MessageFormat.subprotocols)
    }

    var hasSent101: Bool {
        switch start {
        case .agreed(nil, _, _), .answered: true
        case .agreed, .head, .accepted: false
        }
    }
}

extension HTTPRejection {
    static let incompleteHead = malformed("the request head is not complete")
}
