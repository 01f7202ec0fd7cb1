import CPubSubGW
import Runtime

/// Structs that start with `struct_size` and grow at their end. A host compiled against an older
/// header leaves fields out, which then are zero; one compiled against a later header may only
/// leave zero in the fields that this library does not know.
enum SizedStruct {
    static func read<S>(
        _ pointer: UnsafePointer<S>, _ zero: S, name: String, sizeMin: Int = 8
    ) throws(Failure) -> S {
        let size = try size(pointer, name: name, sizeMin: sizeMin)
        let raw = UnsafeRawPointer(pointer)
        let known = min(size, MemoryLayout<S>.size)
        for offset in known..<max(size, known) {
            guard raw.load(fromByteOffset: offset, as: UInt8.self) == 0 else {
                throw Failure(
                    .unsupported,
                    "\(name) has a field at byte \(offset) that this version does not know")
            }
        }
        var value = zero
        withUnsafeMutableBytes(of: &value) { bytes in
            bytes.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: known))
        }
        return value
    }

    static func write<S>(
        _ value: S, to pointer: UnsafeMutablePointer<S>, name: String, sizeMin: Int = 8
    ) throws(Failure) {
        let size = try size(UnsafePointer(pointer), name: name, sizeMin: sizeMin)
        let known = min(size, MemoryLayout<S>.size)
        let raw = UnsafeMutableRawPointer(pointer)
        // All but struct_size, which stays the host's.
        withUnsafeBytes(of: value) { bytes in
            guard let from = bytes.baseAddress else { return }
            (raw + 4).copyMemory(from: from + 4, byteCount: known - 4)
        }
        if size > known {
            (raw + known).initializeMemory(as: UInt8.self, repeating: 0, count: size - known)
        }
    }

    private static func size<S>(
        _ pointer: UnsafePointer<S>, name: String, sizeMin: Int
    ) throws(Failure) -> Int {
        let raw = UnsafeRawPointer(pointer)
        guard UInt(bitPattern: raw) % 8 == 0 else {
            throw Failure(.invalid, "\(name) is not aligned to 8 bytes")
        }
        let size = Int(raw.load(as: UInt32.self))
        guard size >= sizeMin && size <= Argument.structBytesMax && size % 8 == 0 else {
            throw Failure(.invalid, "struct_size \(size) is no size of a \(name)")
        }
        return size
    }
}
