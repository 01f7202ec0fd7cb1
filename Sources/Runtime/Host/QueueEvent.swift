import Statuses

/// One event on its way to the host (`pubsubgw_event`).
public struct QueueEvent: Sendable {
    public enum Kind: UInt32, Sendable {
        case output = 1
        case message = 2
        case resume = 3
        case closed = 4
        case command = 5
        case delivery = 6
        case records = 7
        case offset = 8
        case metadata = 9
        case drained = 10
        case log = 11
        case token = 12
        case room = 13
        case flushed = 14
        case transaction = 15
    }

    public var kind: Kind
    /// `PUBSUBGW_E_...`; Kafka's own numbers have no `Status`.
    public var rawStatus: Int32 = 0
    public var status: Status {
        get { Status(rawValue: rawStatus) ?? .kafka }
        set { rawStatus = newValue.rawValue }
    }
    public var session: UInt64 = 0
    public var token: UInt64 = 0
    public var userData: UInt64 = 0
    public var code: Int32 = 0
    public var flags: UInt32 = 0
    public var number: Int64 = 0
    public var number2: Int64 = 0
    public var text: String = ""
    /// Goes before `text`.
    public var data: EventData?
    /// What `receipt` is told: the event's weight in its sender's budget.
    public var byteCount = 0
    public var receipt: (any EventReceipt)?
    /// The session that it is of: a forgotten one has no events any more.
    var sender: HostSession?

    public init(_ kind: Kind) { self.kind = kind }
}
