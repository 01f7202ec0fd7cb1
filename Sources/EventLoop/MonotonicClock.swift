import Glibc
import Timing

/// The only place that reads a clock.
public enum MonotonicClock {
    /// Nanoseconds since the machine's start, without its sleeps.
    public static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
