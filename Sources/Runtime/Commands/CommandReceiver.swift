/// Who takes a command of the host's own.
public enum CommandReceiver: Sendable {
    case queue(EventQueue)
    /// Called on the loop's thread.
    case function(@Sendable (QueueEvent) -> Void)

    /// False: nobody is there to take it.
    func take(_ event: QueueEvent) -> Bool {
        switch self {
        case .queue(let queue): return queue.push(event)
        case .function(let function):
            function(event)
            return true
        }
    }
}
