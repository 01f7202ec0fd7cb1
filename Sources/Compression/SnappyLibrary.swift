import Glibc
import SharedLibraries

/// What is used of the C interface of `libsnappy.so.1`. Its functions answer 0 for success.
struct SnappyLibrary: Sendable {
    /// snappy_uncompress(source, size, destination, &capacityThenSize)
    let decompress:
        @Sendable @convention(c) (
            UnsafeRawPointer?, Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?
        ) -> Int32
    /// snappy_uncompressed_length(source, size, &length)
    let plainLength:
        @Sendable @convention(c) (UnsafeRawPointer?, Int, UnsafeMutablePointer<Int>?) -> Int32
    /// snappy_compress(source, size, destination, &capacityThenSize)
    let compress:
        @Sendable @convention(c) (
            UnsafeRawPointer?, Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?
        ) -> Int32
    /// snappy_max_compressed_length
    let compressBound: @Sendable @convention(c) (Int) -> Int

    static let shared = SnappyLibrary()

    private init?() {
        guard let library = DynamicLibrary("libsnappy.so.1"),
            let decompress = library.function("snappy_uncompress", as: type(of: decompress)),
            let plainLength = library.function(
                "snappy_uncompressed_length", as: type(of: plainLength)),
            let compress = library.function("snappy_compress", as: type(of: compress)),
            let compressBound = library.function(
                "snappy_max_compressed_length", as: type(of: compressBound))
        else { return nil }
        self.decompress = decompress
        self.plainLength = plainLength
        self.compress = compress
        self.compressBound = compressBound
    }
}
