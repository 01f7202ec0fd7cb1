import CShims
import Glibc
import SharedLibraries

/// What is used of `libzstd.so.1`.
struct ZstdLibrary: Sendable {
    typealias Context = OpaquePointer
    typealias Buffer = cshims_zstd_buffer

    /// ZSTD_createDCtx()
    let createDecoder: @Sendable @convention(c) () -> Context?
    /// ZSTD_freeDCtx
    let freeDecoder: @Sendable @convention(c) (Context?) -> Int
    /// ZSTD_sizeof_DCtx
    let decoderSize: @Sendable @convention(c) (Context?) -> Int
    /// ZSTD_DCtx_reset(context, directive)
    let resetDecoder: @Sendable @convention(c) (Context?, Int32) -> Int
    /// ZSTD_DCtx_setParameter(context, parameter, value)
    let setDecoder: @Sendable @convention(c) (Context?, Int32, Int32) -> Int
    /// ZSTD_decompressStream(context, output, input)
    let decompress:
        @Sendable @convention(c) (
            Context?, UnsafeMutablePointer<Buffer>?, UnsafeMutablePointer<Buffer>?
        ) -> Int
    /// ZSTD_getFrameContentSize(source, size)
    let contentSize: @Sendable @convention(c) (UnsafeRawPointer?, Int) -> UInt64
    /// ZSTD_isError
    let isError: @Sendable @convention(c) (Int) -> UInt32
    /// ZSTD_createCCtx()
    let createEncoder: @Sendable @convention(c) () -> Context?
    /// ZSTD_freeCCtx
    let freeEncoder: @Sendable @convention(c) (Context?) -> Int
    /// ZSTD_CCtx_setParameter(context, parameter, value)
    let setEncoder: @Sendable @convention(c) (Context?, Int32, Int32) -> Int
    /// ZSTD_compress2(context, destination, capacity, source, size)
    let compress:
        @Sendable @convention(c) (Context?, UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int)
            -> Int
    /// ZSTD_compressBound
    let compressBound: @Sendable @convention(c) (Int) -> Int

    static let shared = ZstdLibrary()

    private init?() {
        guard let library = DynamicLibrary("libzstd.so.1"),
            let createDecoder = library.function("ZSTD_createDCtx", as: type(of: createDecoder)),
            let freeDecoder = library.function("ZSTD_freeDCtx", as: type(of: freeDecoder)),
            let decoderSize = library.function("ZSTD_sizeof_DCtx", as: type(of: decoderSize)),
            let resetDecoder = library.function("ZSTD_DCtx_reset", as: type(of: resetDecoder)),
            let setDecoder = library.function("ZSTD_DCtx_setParameter", as: type(of: setDecoder)),
            let decompress = library.function("ZSTD_decompressStream", as: type(of: decompress)),
            let contentSize = library.function(
                "ZSTD_getFrameContentSize", as: type(of: contentSize)),
            let isError = library.function("ZSTD_isError", as: type(of: isError)),
            let createEncoder = library.function("ZSTD_createCCtx", as: type(of: createEncoder)),
            let freeEncoder = library.function("ZSTD_freeCCtx", as: type(of: freeEncoder)),
            let setEncoder = library.function("ZSTD_CCtx_setParameter", as: type(of: setEncoder)),
            let compress = library.function("ZSTD_compress2", as: type(of: compress)),
            let compressBound = library.function("ZSTD_compressBound", as: type(of: compressBound))
        else { return nil }
        self.createDecoder = createDecoder
        self.freeDecoder = freeDecoder
        self.decoderSize = decoderSize
        self.resetDecoder = resetDecoder
        self.setDecoder = setDecoder
        self.decompress = decompress
        self.contentSize = contentSize
        self.isError = isError
        self.createEncoder = createEncoder
        self.freeEncoder = freeEncoder
        self.setEncoder = setEncoder
        self.compress = compress
        self.compressBound = compressBound
    }
}
