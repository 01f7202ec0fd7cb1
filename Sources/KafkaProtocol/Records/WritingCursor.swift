/// Writes the parts of a record into room that was made for it before: the size of a record is
/// known first, because it stands first.
struct WritingCursor {
    private var at: UnsafeMutableRawPointer
    private let stop: UnsafeMutableRawPointer

    @inline(__always)
    init(_ start: UnsafeMutableRawPointer, count: Int) {
        at = start
        stop = start + count
    }

    @inline(__always) var isAtEnd: Bool { at == stop }

    @inline(__always)
    mutating func byte(_ value: UInt8) {
        at.storeBytes(of: value, as: UInt8.self)
        at += 1
    }

    @inline(__always)
    mutating func varint(_ value: Int64) {
        var rest = zigzagged(value)
        while rest >= 0x80 {
            byte(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        byte(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func nullable(_ source: UnsafeRawBufferPointer?) {
        guard let source else { return varint(-1) }
        varint(Int64(source.count))
        copy(source)
    }

    @inline(__always)
    mutating func copy(_ source: UnsafeRawBufferPointer) {
        guard let from = source.baseAddress, source.count > 0 else { return }
        at.copyMemory(from: from, byteCount: source.count)
        at += source.count
    }
}
