/// The compressed bytes of a batch, how far they are read, and what they have given.
struct DecoderSource {
    /// Beyond every memory, and far from overflowing.
    private static let capMax = 1 << 40
    /// Room that is made for a promise: what is larger is taken in pieces, and needs no room for
    /// all of it at once.
    private static let promisedMax = 4 * 1024 * 1024
    /// What zlib may be given to write at once: it counts in 32 bits.
    private static let roomMax = 1 << 30

    let input: UnsafeRawBufferPointer
    /// The most plain bytes that are allowed.
    let cap: Int
    /// Invariant: 0 <= position <= input.count.
    private(set) var position = 0
    /// Plain bytes so far. Invariant: 0 <= produced <= cap, once `allow` has agreed.
    private(set) var produced = 0

    init(_ input: UnsafeRawBufferPointer, cap: Int) {
        self.input = input
        self.cap = min(max(0, cap), Self.capMax)
    }

    init() { self.init(UnsafeRawBufferPointer(start: nil, count: 0), cap: 0) }

    var remaining: Int { input.count - position }
    var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: input[position...]) }
    var current: UnsafeRawPointer? { input.baseAddress.map { $0 + position } }

    /// Counts `more` plain bytes.
    mutating func allow(_ more: Int, _ codec: Codec) throws(CompressionError) {
        guard more <= cap - produced else { throw .tooLarge(codec, cap: cap) }
        produced += more
    }

    /// The next `count` bytes.
    mutating func take(
        _ count: Int, _ codec: Codec
    ) throws(CompressionError) -> UnsafeRawBufferPointer {
        guard count <= remaining else { throw .truncated(codec) }
        let start = position
        position += count
        return UnsafeRawBufferPointer(rebasing: input[start..<position])
    }

    mutating func littleEndian32(_ codec: Codec) throws(CompressionError) -> UInt32 {
        UInt32(littleEndian: try take(4, codec).loadUnaligned(as: UInt32.self))
    }

    mutating func bigEndian32(_ codec: Codec) throws(CompressionError) -> UInt32 {
        UInt32(bigEndian: try take(4, codec).loadUnaligned(as: UInt32.self))
    }

    /// How much of a promised plain size is worth making room for at once: what compressed bytes
    /// promise is not to be trusted beyond the cap and what they could possibly hold.
    func plausible(_ promised: UInt64, ratioMax: Int) -> Int {
        let possible = UInt64(remaining) * UInt64(ratioMax)
        return Int(min(promised, possible, UInt64(min(cap - produced, Self.promisedMax))))
    }

    /// How much a streaming decoder may write at once: what is `free` already, at least `growth`.
    /// One byte beyond the cap shows that there is more; it is never counted.
    func room(budget: Int, free: Int, growth: Int) -> Int {
        min(budget, max(free, growth), cap - produced + 1, Self.roomMax)
    }
}
