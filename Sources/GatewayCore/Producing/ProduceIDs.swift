import PubSubProtocol
import Timing

/// The ids of commands that are remembered, with what became of their records: for a time, so many
/// of a principal, and no more than fit into a few megabytes. The oldest are forgotten first.
struct ProduceIDs {
    struct Key: Hashable {
        let route: String
        let principal: String
        let id: [UInt8]
    }

    /// How long, and how many.
    struct Window {
        let milliseconds: Int64
        let count: Int

        var isOpen: Bool { milliseconds > 0 && count > 0 }
    }

    enum State {
        case open(ProduceInProgress)
        case answered(ProduceReply)
    }

    private final class Entry: Slotted {
        var slot = 0
        let key: Key
        /// Stays while one of its entries is remembered.
        unowned let owner: Owner
        var isForgotten = false
        let endsAt: Instant
        let reply: ProduceReply
        let bytes: Int

        init(_ key: Key, _ owner: Owner, _ endsAt: Instant, _ reply: ProduceReply) {
            self.key = key
            self.owner = owner
            self.endsAt = endsAt
            self.reply = reply
            bytes =
                256 + key.id.count + key.route.utf8.count + key.principal.utf8.count
                + reply.results.count * MemoryLayout<ProduceResult>.stride
                + reply.errors.reduce(0) { $0 + 256 + $1.message.utf8.count }
        }
    }

    /// Entries of one principal on one route, the oldest first.
    private final class Owner {
        private var entries: [Entry] = []
        /// Those in front of it are forgotten.
        private var head = 0
        var count = 0

        func append(_ entry: Entry) {
            entries.append(entry)
            count += 1
        }

        var first: Entry? {
            while head < entries.count, entries[head].isForgotten { head += 1 }
            if head > 32, head * 2 > entries.count {
                entries.removeFirst(head)
                head = 0
            }
            return head < entries.count ? entries[head] : nil
        }
    }

    private struct OwnerKey: Hashable {
        let route: String
        let principal: String
    }

    private var open: [Key: ProduceInProgress] = [:]
    private var answered: [Key: Entry] = [:]
    private var owners: [OwnerKey: Owner] = [:]
    private var order = SlotList<Entry>()
    private(set) var bytes = 0

    static let bytesMax = 8 << 20

    var count: Int { answered.count }

    // MARK: Asking

    func find(_ key: Key, _ now: Instant) -> State? {
        if let command = open[key] { return .open(command) }
        guard let entry = answered[key], entry.endsAt > now else { return nil }
        return .answered(entry.reply)
    }

    mutating func begin(_ key: Key, _ command: ProduceInProgress) {
        if let entry = answered[key] { forget(entry) }
        open[key] = command
    }

    /// The command is answered. nil: it is forgotten, and may be done again.
    mutating func end(_ key: Key, _ reply: ProduceReply?, _ window: Window, _ now: Instant) {
        open[key] = nil
        forgetOld(now)
        guard let reply else { return }
        let ownerKey = OwnerKey(route: key.route, principal: key.principal)
        let owner = owners[ownerKey] ?? Owner()
        owners[ownerKey] = owner
        let entry = Entry(key, owner, now.adding(milliseconds: window.milliseconds), reply)
        answered[key] = entry
        order.append(entry)
        owner.append(entry)
        bytes += entry.bytes
        while owner.count > window.count, let oldest = owner.first { forget(oldest) }
        while bytes > Self.bytesMax, let oldest = order.first { forget(oldest) }
    }

    /// Windows of routes differ: who stays longest may stand in front of others, which are found to
    /// be over when they are asked for.
    private mutating func forgetOld(_ now: Instant) {
        while let first = order.first, first.endsAt <= now { forget(first) }
    }

    private mutating func forget(_ entry: Entry) {
        guard order.remove(entry) else { return }
        entry.isForgotten = true
        answered[entry.key] = nil
        bytes -= entry.bytes
        entry.owner.count -= 1
        if entry.owner.count == 0 {
            owners[OwnerKey(route: entry.key.route, principal: entry.key.principal)] = nil
        }
    }
}
