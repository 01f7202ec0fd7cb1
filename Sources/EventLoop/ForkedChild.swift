import CShims
import Glibc

/// What a process that forks leaves to its child.
public enum ForkedChild {
    /// From now on a forked child closes every descriptor that this library has open: otherwise
    /// a peer would see no end of stream before the child ends. Registered once per process.
    public static func closeDescriptors() { _ = registration }

    private static let registration: Int32 = pthread_atfork(
        nil, nil, { cshims_descriptors_close_all() })
}
