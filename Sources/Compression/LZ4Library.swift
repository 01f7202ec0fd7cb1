import CShims
import Glibc
import SharedLibraries

/// What is used of `liblz4.so.1`.
struct LZ4Library: Sendable {
    /// LZ4_decompress_safe(source, destination, sourceSize, destinationCapacity)
    let decompress:
        @Sendable @convention(c) (
            UnsafeRawPointer?, UnsafeMutableRawPointer?, Int32, Int32
        ) -> Int32
    /// LZ4_decompress_safe_usingDict: the same with the start and size of what came before.
    let decompressWithHistory:
        @Sendable @convention(c) (
            UnsafeRawPointer?, UnsafeMutableRawPointer?, Int32, Int32, UnsafeRawPointer?, Int32
        ) -> Int32
    /// LZ4F_compressFrameBound(size, preferences)
    let frameBound: @Sendable @convention(c) (Int, UnsafePointer<cshims_lz4_preferences>?) -> Int
    /// LZ4F_compressFrame(destination, capacity, source, size, preferences)
    let compressFrame:
        @Sendable @convention(c) (
            UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int,
            UnsafePointer<cshims_lz4_preferences>?
        ) -> Int
    /// LZ4F_isError
    let isError: @Sendable @convention(c) (Int) -> UInt32

    static let shared = LZ4Library()

    private init?() {
        guard let library = DynamicLibrary("liblz4.so.1"),
            let decompress = library.function("LZ4_decompress_safe", as: type(of: decompress)),
            let decompressWithHistory = library.function(
                "LZ4_decompress_safe_usingDict", as: type(of: decompressWithHistory)),
            let frameBound = library.function(
                "LZ4F_compressFrameBound", as: type(of: frameBound)),
            let compressFrame = library.function("LZ4F_compressFrame", as: type(of: compressFrame)),
            let isError = library.function("LZ4F_isError", as: type(of: isError))
        else { return nil }
        self.decompress = decompress
        self.decompressWithHistory = decompressWithHistory
        self.frameBound = frameBound
        self.compressFrame = compressFrame
        self.isError = isError
    }
}
