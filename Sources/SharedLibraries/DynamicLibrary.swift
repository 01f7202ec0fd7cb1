import Glibc

/// A shared library that is opened at run time and stays open.
public struct DynamicLibrary: Sendable {
    private let handle: UInt

    /// - Parameter name: with the version of its interface, `libzstd.so.1`: the name without it
    ///   comes with development packages only.
    public init?(_ name: String) {
        guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { return nil }
        self.handle = UInt(bitPattern: handle)
    }

    /// A function. `Function` is its C type, as the library's header declares it.
    @inlinable
    public func function<Function>(
        _ name: String, as type: Function.Type = Function.self
    ) -> Function? {
        symbol(name).map { unsafeBitCast($0, to: type) }
    }

    @usableFromInline
    func symbol(_ name: String) -> UnsafeMutableRawPointer? {
        dlsym(UnsafeMutableRawPointer(bitPattern: handle), name)
    }
}
