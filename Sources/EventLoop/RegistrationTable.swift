/// The descriptors of a loop by slot. Slots are reused; generations tell an event of the
/// descriptor that had the slot before from one of its successor.
struct RegistrationTable {
    struct Entry {
        var generation: UInt32 = 0
        var descriptor: Int32 = -1
        var interest = Interest()
        var handler: (any ReadinessHandler)?
    }

    private var entries: [Entry] = []
    private var free: [UInt32] = []

    var count: Int { entries.count - free.count }

    mutating func insert(
        _ descriptor: Int32, _ interest: Interest, _ handler: any ReadinessHandler
    ) -> Registration {
        let slot = free.popLast() ?? UInt32(entries.count)
        if slot == entries.count { entries.append(Entry()) }
        entries[Int(slot)].descriptor = descriptor
        entries[Int(slot)].interest = interest
        entries[Int(slot)].handler = handler
        return Registration(slot: slot, generation: entries[Int(slot)].generation)
    }

    /// The descriptor that was registered, nil if it has been removed before.
    mutating func remove(_ registration: Registration) -> Int32? {
        guard let descriptor = descriptor(of: registration) else { return nil }
        entries[Int(registration.slot)].generation &+= 1
        entries[Int(registration.slot)].handler = nil
        free.append(registration.slot)
        return descriptor
    }

    mutating func setInterest(_ interest: Interest, of registration: Registration) {
        guard handler(of: registration) != nil else { return }
        entries[Int(registration.slot)].interest = interest
    }

    /// All that stand.
    func forEach(_ body: (Registration, Entry) -> Void) {
        for (slot, entry) in entries.enumerated() where entry.handler != nil {
            body(Registration(slot: UInt32(slot), generation: entry.generation), entry)
        }
    }

    func descriptor(of registration: Registration) -> Int32? {
        handler(of: registration) == nil ? nil : entries[Int(registration.slot)].descriptor
    }

    func handler(of registration: Registration) -> (any ReadinessHandler)? {
        let slot = Int(registration.slot)
        guard slot < entries.count, entries[slot].generation == registration.generation else {
            return nil
        }
        return entries[slot].handler
    }
}
