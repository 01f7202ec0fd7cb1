import CShims
import EventLoop

/// The fork rule: what was started belongs to the process that started it.
public enum ForkGuard {
    /// Installs the handler that closes the library's descriptors in a forked child.
    static func install() throws(Failure) {
        let error = cshims_fork_guard()
        guard error == 0 else { throw Failure(SystemError("pthread_atfork", errno: error)) }
    }

    public static func check() throws(Failure) {
        guard cshims_is_forked() == 0 else {
            throw Failure(
                .forked,
                "this process was forked from one in which a gateway was started; "
                    + "fork first, then call pubsubgw_start in each child")
        }
    }
}
