import Bytes

/// One broker: where it is and how it is.
final class Broker {
    let id: Int32
    /// What Metadata says; clients go there whatever they dialled first.
    var address: BrokerSettings.Address
    var rack: String?
    var isUp = true
    /// Takes connections and bytes, answers nothing.
    var isFrozen = false
    /// Answers that were due while it was frozen; they come when it is thawed.
    var held: [(RequestContext, ByteBlock)] = []
    var sessions: FetchSessionCache
    var counters = BrokerCounters()

    init(id: Int32, address: BrokerSettings.Address, sessions: FetchSessionCache) {
        self.id = id
        self.address = address
        self.sessions = sessions
    }
}
