import Glibc

/// A shared library that is opened at run time and stays open.
struct DynamicLibrary {
    private let handle: UnsafeMutableRawPointer

    /// - Parameter name: with the version of its interface, `libzstd.so.1`: the name without it
    ///   comes with development packages only.
    init?(_ name: String) {
        guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { return nil }
        self.handle = handle
    }

    /// A function. `Function` is its C type, as the library's header declares it.
    func function<Function>(_ name: String, as type: Function.Type = Function.self) -> Function? {
        dlsym(handle, name).map { unsafeBitCast($0, to: type) }
    }
}
