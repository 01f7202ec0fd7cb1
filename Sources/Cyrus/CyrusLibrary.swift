import CShims
import Glibc
import SharedLibraries
import Synchronization

/// What is used of Cyrus's `libsasl2.so.2`, for GSSAPI alone: the other mechanisms are our own.
///
/// Its functions share state without a lock of their own, so that there is one for all of them;
/// a call may wait for the KDC. It is never shut down (`sasl_done`): others of the process may use
/// it, too.
struct CyrusLibrary: Sendable {
    typealias Connection = OpaquePointer
    typealias Text = UnsafePointer<CChar>
    typealias Callbacks = UnsafePointer<cshims_sasl_callback>
    typealias Output = UnsafeMutablePointer<Text?>
    typealias Length = UnsafeMutablePointer<UInt32>

    /// sasl_client_init(callbacks)
    let initClient: @Sendable @convention(c) (Callbacks?) -> Int32
    /// sasl_client_new(service, host, local, remote, callbacks, flags, &connection)
    let newClient:
        @Sendable @convention(c) (
            Text?, Text?, Text?, Text?, Callbacks?, UInt32, UnsafeMutablePointer<Connection?>?
        ) -> Int32
    /// sasl_client_start(connection, mechanisms, prompts, &output, &length, &mechanism)
    let startClient:
        @Sendable @convention(c) (
            Connection?, Text?, UnsafeMutableRawPointer?, Output?, Length?, Output?
        ) -> Int32
    /// sasl_client_step(connection, input, length, prompts, &output, &length)
    let stepClient:
        @Sendable @convention(c) (
            Connection?, Text?, UInt32, UnsafeMutableRawPointer?, Output?, Length?
        ) -> Int32
    /// sasl_server_init(callbacks, name)
    let initServer: @Sendable @convention(c) (Callbacks?, Text?) -> Int32
    /// sasl_server_new(service, host, realm, local, remote, callbacks, flags, &connection)
    let newServer:
        @Sendable @convention(c) (
            Text?, Text?, Text?, Text?, Text?, Callbacks?, UInt32,
            UnsafeMutablePointer<Connection?>?
        ) -> Int32
    /// sasl_server_start(connection, mechanism, input, length, &output, &length)
    let startServer:
        @Sendable @convention(c) (Connection?, Text?, Text?, UInt32, Output?, Length?) -> Int32
    /// sasl_server_step(connection, input, length, &output, &length)
    let stepServer: @Sendable @convention(c) (Connection?, Text?, UInt32, Output?, Length?) -> Int32
    /// sasl_setprop(connection, property, value)
    let setProperty: @Sendable @convention(c) (Connection?, Int32, UnsafeRawPointer?) -> Int32
    /// sasl_getprop(connection, property, &value)
    let property:
        @Sendable @convention(c) (
            Connection?, Int32, UnsafeMutablePointer<UnsafeRawPointer?>?
        ) -> Int32
    /// sasl_errdetail(connection)
    let errorText: @Sendable @convention(c) (Connection?) -> Text?
    /// sasl_global_listmech()
    let mechanisms: @Sendable @convention(c) () -> UnsafeMutablePointer<Text?>?
    /// sasl_dispose(&connection)
    let dispose: @Sendable @convention(c) (UnsafeMutablePointer<Connection?>?) -> Void

    static let ok: Int32 = 0
    static let goesOn: Int32 = 1

    /// Held during every call.
    static let lock = Mutex(())

    /// nil: it is not there.
    static let shared = CyrusLibrary()

    private init?() {
        guard let library = DynamicLibrary("libsasl2.so.2"),
            let initClient = library.function("sasl_client_init", as: type(of: initClient)),
            let newClient = library.function("sasl_client_new", as: type(of: newClient)),
            let startClient = library.function("sasl_client_start", as: type(of: startClient)),
            let stepClient = library.function("sasl_client_step", as: type(of: stepClient)),
            let initServer = library.function("sasl_server_init", as: type(of: initServer)),
            let newServer = library.function("sasl_server_new", as: type(of: newServer)),
            let startServer = library.function("sasl_server_start", as: type(of: startServer)),
            let stepServer = library.function("sasl_server_step", as: type(of: stepServer)),
            let setProperty = library.function("sasl_setprop", as: type(of: setProperty)),
            let property = library.function("sasl_getprop", as: type(of: property)),
            let errorText = library.function("sasl_errdetail", as: type(of: errorText)),
            let mechanisms = library.function("sasl_global_listmech", as: type(of: mechanisms)),
            let dispose = library.function("sasl_dispose", as: type(of: dispose))
        else { return nil }
        self.initClient = initClient
        self.newClient = newClient
        self.startClient = startClient
        self.stepClient = stepClient
        self.initServer = initServer
        self.newServer = newServer
        self.startServer = startServer
        self.stepServer = stepServer
        self.setProperty = setProperty
        self.property = property
        self.errorText = errorText
        self.mechanisms = mechanisms
        self.dispose = dispose
    }
}
