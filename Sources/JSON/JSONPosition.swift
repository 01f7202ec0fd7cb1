/// A place in a JSON text.
public struct JSONPosition: Equatable, Sendable {
    /// Bytes from the start of the text.
    public var offset: Int
    /// From 1; lines end with LF.
    public var line: Int
    /// From 1, in Unicode scalars.
    public var column: Int

    public static let start = JSONPosition(offset: 0, line: 1, column: 1)

    public init(offset: Int, line: Int, column: Int) {
        self.offset = offset
        self.line = line
        self.column = column
    }

    /// Where `offset` lies. Takes time in proportion to it: for errors.
    public init(of offset: Int, in text: UnsafeRawBufferPointer) {
        self = .start
        advance(to: offset, in: text)
    }

    /// Goes on to `offset`, which must not lie before the present one.
    mutating func advance(to offset: Int, in text: UnsafeRawBufferPointer) {
        let end = min(offset, text.count)
        while self.offset < end {
            let byte = text[self.offset]
            self.offset += 1
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xc0 != 0x80 {
                // Continuation bytes belong to the scalar that is already counted; in a text
                // cut inside of one, the column is that of its first byte.
                column += 1
            }
        }
    }
}
