/// The partitions of one fetch response that brought records.
final class DecodeJob {
    /// One partition, and what is to be done when its records are in the cache.
    struct Part {
        var builder: RunBuilder
        var finish: (RunBuilder) -> Void
    }

    /// Busy until the response is decoded: its memory counts as in flight.
    let connection: BrokerConnection
    var frame: FrameAssembler.Frame
    var parts: [Part]
    /// The part in work.
    var number = 0
    let finish: () -> Void

    init(
        connection: BrokerConnection, frame: FrameAssembler.Frame, parts: [Part],
        finish: @escaping () -> Void
    ) {
        self.connection = connection
        self.frame = frame
        self.parts = parts
        self.finish = finish
    }
}
