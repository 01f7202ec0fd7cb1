import CShims

/// How many items of what waits were looked at, so that a test can say that an event costs as much
/// as it changes, and not as much as there is. Only debug builds count, each thread for itself: a
/// simulation is driven by one.
public enum Steps {
    @inlinable
    public static func count(_ items: Int = 1) {
        #if DEBUG
        cshims_steps_add(UInt64(items))
        #endif
    }

    public static var taken: Int { Int(cshims_steps_taken()) }

    public static var areCounted: Bool {
        #if DEBUG
        true
        #else
        false
        #endif
    }
}
