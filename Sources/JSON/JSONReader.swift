/// A strict pull reader of JSON (RFC 8259): UTF-8 only, no byte order mark, no comments, no
/// trailing commas, no lone surrogates. It builds nothing that is not asked for.
///
/// The caller asks for what it expects: `beginObject`, `nextKey` until nil, for each key one
/// value; `beginArray`, `nextElement` until false; at last `end`. The reader borrows the text: it
/// must not outlive the call that lent it. After an error it is of no more use.
public struct JSONReader {
    public enum Kind: Equatable, Sendable { case object, array, string, number, bool, null }

    /// Levels of objects and arrays, where the caller names no other number. Deeper texts are
    /// attacks on recursion; nothing that we read has more than ten.
    public static let depthMaxDefault = 64

    let text: UnsafeRawBufferPointer
    /// Where the reader stands, in bytes. After `kind()`: where the next value starts.
    public internal(set) var offset = 0
    /// Where the key starts that `nextKey` answered last.
    public private(set) var keyOffset = 0
    public let depthMax: Int
    private var depth = 0
    /// Bit n: the object or array at level n has had an element.
    private var begun: UInt64 = 0
    /// Bit n: level n is an object.
    private var objects: UInt64 = 0

    /// `depthMax` is at most 64.
    public init(_ text: UnsafeRawBufferPointer, depthMax: Int = depthMaxDefault) {
        self.text = text
        self.depthMax = min(max(depthMax, 0), 64)
    }

    /// What the next value is.
    public mutating func kind() throws(JSONError) -> Kind {
        switch try byteAfterSpace() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), 0x30...0x39: return .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case let other: throw error(.unexpected(other, expected: "a value"))
        }
    }

    public mutating func beginObject() throws(JSONError) { try begin(.object, "an object") }
    public mutating func beginArray() throws(JSONError) { try begin(.array, "an array") }

    /// The next key of the object, with its colon; nil behind the last one.
    public mutating func nextKey() throws(JSONError) -> String? {
        guard try goOn(UInt8(ascii: "}"), "',' or '}'") else { return nil }
        let byte = try byteAfterSpace()
        guard byte == UInt8(ascii: "\"") else {
            throw error(.unexpected(byte, expected: "a key in double quotes"))
        }
        keyOffset = offset
        let key = try string()
        let colon = try byteAfterSpace()
        guard colon == UInt8(ascii: ":") else { throw error(.unexpected(colon, expected: "':'")) }
        offset += 1
        return key
    }

    /// Whether the array has another element.
    public mutating func nextElement() throws(JSONError) -> Bool {
        try goOn(UInt8(ascii: "]"), "',' or ']'")
    }

    public mutating func number() throws(JSONError) -> JSONNumber {
        try expect(.number, "a number")
        let length = JSONNumber.length(at: offset, in: text)
        guard length > 0 else { throw error(.invalidNumber) }
        let digits = UnsafeRawBufferPointer(rebasing: text[offset..<offset + length])
        offset += length
        return JSONNumber(checked: String(decoding: digits, as: UTF8.self))
    }

    public mutating func bool() throws(JSONError) -> Bool {
        try expect(.bool, "true or false")
        let value = text[offset] == UInt8(ascii: "t")
        try word(value ? "true" : "false")
        return value
    }

    public mutating func null() throws(JSONError) {
        try expect(.null, "null")
        try word("null")
    }

    /// Checks the next value and forgets it. It takes no more stack for what is deep: the text may
    /// be a stranger's, and the thread a host's.
    public mutating func skipValue() throws(JSONError) {
        let outside = depth
        repeat {
            if depth > outside, try !nextInside() { continue }
            switch try kind() {
            case .object: try beginObject()
            case .array: try beginArray()
            case .string: _ = try string()
            case .number: _ = try number()
            case .bool: _ = try bool()
            case .null: try null()
            }
        } while depth > outside
    }

    /// Goes to the next value of the innermost object or array; false at its end.
    private mutating func nextInside() throws(JSONError) -> Bool {
        objects & 1 << UInt64(depth - 1) == 0 ? try nextElement() : try nextKey() != nil
    }

    /// Checks that nothing but space follows.
    public mutating func end() throws(JSONError) {
        skipSpace()
        guard offset == text.count else {
            throw error(.unexpected(text[offset], expected: "the end of the text"))
        }
    }

    /// An error at the present place, for callers that find the value unfit.
    public func error(_ reason: JSONError.Reason) -> JSONError { error(reason, at: offset) }

    public func error(_ reason: JSONError.Reason, at offset: Int) -> JSONError {
        JSONError(reason, at: JSONPosition(of: offset, in: text))
    }

    mutating func expect(_ wanted: Kind, _ name: String) throws(JSONError) {
        let found = try kind()
        guard found == wanted else { throw error(.wrongKind(found, expected: name)) }
    }

    private mutating func begin(_ wanted: Kind, _ name: String) throws(JSONError) {
        try expect(wanted, name)
        guard depth < depthMax else { throw error(.tooDeep(depthMax: depthMax)) }
        let bit: UInt64 = 1 << UInt64(depth)
        begun &= ~bit
        objects = wanted == .object ? objects | bit : objects & ~bit
        depth += 1
        offset += 1
    }

    /// Goes to the next element of the object or array that ends with `close`; false at its end.
    private mutating func goOn(_ close: UInt8, _ expected: String) throws(JSONError) -> Bool {
        precondition(depth > 0, "not inside of an object or an array")
        let bit: UInt64 = 1 << UInt64(depth - 1)
        let byte = try byteAfterSpace()
        if byte == close {
            offset += 1
            depth -= 1
            return false
        }
        if begun & bit != 0 {
            guard byte == UInt8(ascii: ",") else {
                throw error(.unexpected(byte, expected: expected))
            }
            offset += 1
        }
        begun |= bit
        return true
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        let start = offset
        for index in 0..<word.utf8CodeUnitCount {
            guard offset < text.count else { throw error(.unexpectedEnd) }
            guard text[offset] == word.utf8Start[index] else {
                let expected = "\(word)"
                throw error(.unexpected(text[offset], expected: expected), at: start)
            }
            offset += 1
        }
    }

    private mutating func skipSpace() {
        while offset < text.count {
            switch text[offset] {
            case 0x20, 0x0a, 0x0d, 0x09: offset += 1
            default: return
            }
        }
    }

    private mutating func byteAfterSpace() throws(JSONError) -> UInt8 {
        skipSpace()
        guard offset < text.count else { throw error(.unexpectedEnd) }
        return text[offset]
    }
}
