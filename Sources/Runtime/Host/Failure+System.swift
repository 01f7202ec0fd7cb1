import EventLoop

extension Failure {
    /// `bind 127.0.0.1:80: Permission denied`.
    init(_ error: SystemError, at place: String? = nil) {
        let place = place.map { " \($0)" } ?? ""
        self.init(.system, "\(error.operation)\(place): \(error.text)")
    }
}
