import Glibc

/// A growable run of bytes with one owner. Integers are written big-endian unless the name says
/// otherwise. Memory comes from malloc; `take` hands it on without a copy.
public struct ByteWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer?
    @usableFromInline var capacity: Int
    public var count: Int { @inlinable get { used } }
    @usableFromInline var used = 0

    /// Nothing is allocated for a capacity of 0 until the first byte is written.
    @inlinable
    public init(capacity: Int = 0) {
        base = capacity > 0 ? malloc(capacity) : nil
        self.capacity = capacity
        if capacity > 0 { precondition(base != nil, "out of memory") }
    }

    /// Takes over a block, whose contents do not count.
    public init(adopting block: SpareBlocks.Block) {
        base = block.base
        capacity = block.capacity
    }

    deinit { free(base) }

    @inlinable public var isEmpty: Bool { used == 0 }

    /// Makes room for `more` bytes behind those that are written.
    @inlinable
    public mutating func reserve(_ more: Int) {
        if more > capacity - used { grow(more) }
    }

    /// As `reserve`, for sizes that a peer has chosen: false where there is no memory for them.
    public mutating func reserveIfPossible(_ more: Int) -> Bool {
        guard more > capacity - used else { return true }
        let (sum, overflow) = used.addingReportingOverflow(more)
        let wanted = max(sum, capacity * 2, 64)
        guard more >= 0, !overflow, let moved = realloc(base, wanted) else { return false }
        base = moved
        capacity = wanted
        return true
    }

    /// Forgets the first `count` bytes; the others move to the front.
    public mutating func removeFirst(_ count: Int) {
        precondition(count >= 0 && count <= used, "more is removed than was written")
        guard count > 0, let base else { return }
        memmove(base, base + count, used - count)
        used -= count
    }

    /// Makes the memory `capacity` bytes large, exactly, if it is smaller.
    public mutating func reserve(capacity wanted: Int) {
        guard wanted > capacity else { return }
        guard let moved = realloc(base, wanted) else {
            preconditionFailure("out of memory for \(wanted) bytes")
        }
        base = moved
        capacity = wanted
    }

    /// What the writer holds from the allocator; budgets count this.
    public var allocatedBytes: Int { @inlinable get { capacity } }

    @usableFromInline
    mutating func grow(_ more: Int) {
        let wanted = max(used + more, capacity * 2, 64)
        guard let moved = realloc(base, wanted) else {
            preconditionFailure("out of memory for \(wanted) bytes")
        }
        base = moved
        capacity = wanted
    }

    /// Gives back the memory behind the bytes.
    public mutating func shrink() {
        guard capacity > used else { return }
        if used == 0 {
            free(base)
            base = nil
        } else if let moved = realloc(base, used) {
            base = moved
        }
        capacity = used
    }

    /// Forgets the bytes, keeps the memory.
    @inlinable public mutating func removeAll() { used = 0 }

    /// Forgets the bytes from `count` on.
    @inlinable
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= used, "truncation beyond the bytes")
        used = count
    }

    /// Where the next byte goes, for who writes many small things at a time: room must have been
    /// made with `reserve`, and `commit` tells how much was written. nil without memory.
    @inlinable public var end: UnsafeMutableRawPointer? { base.map { $0 + used } }

    /// Room behind the bytes.
    @inlinable public var room: Int { capacity - used }

    /// `count` bytes were written at `end`.
    @inlinable
    public mutating func commit(_ count: Int) {
        precondition(count >= 0 && count <= room, "more was written than there is room")
        used += count
    }

    /// Room for `count` bytes that the caller fills at once; they count as written.
    @inlinable
    public mutating func extend(_ count: Int) -> UnsafeMutableRawPointer {
        reserve(count)
        let place = base.unsafelyUnwrapped + used
        used += count
        return place
    }

    @inlinable
    public mutating func uint8(_ value: UInt8) {
        extend(1).storeBytes(of: value, as: UInt8.self)
    }

    @inlinable public mutating func int8(_ value: Int8) { uint8(UInt8(bitPattern: value)) }

    @inlinable
    public mutating func int16(_ value: Int16) {
        extend(2).storeBytes(of: value.bigEndian, as: Int16.self)
    }

    @inlinable public mutating func uint16(_ value: UInt16) { int16(Int16(bitPattern: value)) }

    @inlinable
    public mutating func int32(_ value: Int32) {
        extend(4).storeBytes(of: value.bigEndian, as: Int32.self)
    }

    @inlinable public mutating func uint32(_ value: UInt32) { int32(Int32(bitPattern: value)) }

    @inlinable
    public mutating func int64(_ value: Int64) {
        extend(8).storeBytes(of: value.bigEndian, as: Int64.self)
    }

    /// A base-128 varint: Kafka's unsigned varint and protobuf's varint.
    @inlinable
    public mutating func uvarint(_ value: UInt64) {
        reserve(10)
        let start = base.unsafelyUnwrapped + used
        var rest = value
        var length = 0
        while rest >= 0x80 {
            let byte = UInt8(truncatingIfNeeded: rest) | 0x80
            start.storeBytes(of: byte, toByteOffset: length, as: UInt8.self)
            rest >>= 7
            length += 1
        }
        start.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: length, as: UInt8.self)
        used += length + 1
    }

    /// A zigzag varint.
    @inlinable
    public mutating func varint(_ value: Int64) {
        uvarint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    @inlinable
    public mutating func bytes(_ source: UnsafeRawBufferPointer) {
        guard let from = source.baseAddress, source.count > 0 else { return }
        extend(source.count).copyMemory(from: from, byteCount: source.count)
    }

    @inlinable
    public mutating func bytes(_ source: [UInt8]) { source.withUnsafeBytes { bytes($0) } }

    @inlinable
    public mutating func string(_ source: String) {
        var source = source
        source.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    /// Overwrites four bytes written before (a length that was not known yet).
    @inlinable
    public mutating func patchInt32(_ value: Int32, at place: Int) {
        precondition(place >= 0 && place + 4 <= used, "patch outside of the bytes")
        base.unsafelyUnwrapped.storeBytes(of: value.bigEndian, toByteOffset: place, as: Int32.self)
    }

    /// The bytes written so far; valid until the next write.
    @inlinable
    public func withBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: used))
    }

    @inlinable
    public mutating func withMutableBytes<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeMutableRawBufferPointer(start: base, count: used))
    }

    /// A copy as an array.
    public var array: [UInt8] { withBytes { [UInt8]($0) } }

    /// Hands the memory on without its bytes; nil if there is none.
    public mutating func release() -> SpareBlocks.Block? {
        let block = base.map { SpareBlocks.Block(base: $0, capacity: capacity) }
        base = nil
        capacity = 0
        used = 0
        return block
    }

    /// Hands the memory on; the writer is empty afterwards and allocates anew.
    public mutating func take() -> ByteBlock {
        let block = ByteBlock(adopting: base, count: used, capacity: capacity)
        base = nil
        capacity = 0
        used = 0
        return block
    }
}
