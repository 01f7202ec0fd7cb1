import Statuses

/// Why a call of the C interface failed: its status, and the line for `pubsubgw_last_error`.
public struct Failure: Error, Equatable, Sendable {
    public let status: Status
    public let text: String

    public init(_ status: Status, _ text: String) {
        self.status = status
        self.text = text
    }
}
