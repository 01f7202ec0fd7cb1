/// Who wants to know when its events have left a queue: what it may have waiting there is bounded.
public protocol EventReceipt: AnyObject, Sendable {
    /// Called on the thread that polls (or destroys) the queue, once for each event, outside of
    /// the queue's lock. `byteCount` is the event's own.
    func eventLeft(byteCount: Int)
}
