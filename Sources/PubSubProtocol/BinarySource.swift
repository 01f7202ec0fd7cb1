import Bytes

/// Fields of a protobuf message. Offsets count from the start of the whole message.
struct BinarySource: FieldSource {
    let limits: RequestLimits
    private(set) var headers: [UInt8] = []
    private let whole: UnsafeRawBufferPointer
    /// Invariant: 0 <= position <= end <= whole.count.
    private var position = 0
    /// The end of the innermost message.
    private var end: Int
    private var wireType = 0
    /// Where the present value starts, behind its tag.
    private var valueStart = 0
    /// Whether an accessor took the present value; the others are skipped.
    private var taken = false

    init(_ message: UnsafeRawBufferPointer, limits: RequestLimits) {
        whole = message
        self.limits = limits
        end = message.count
    }

    /// Reads fields until the end of the innermost message.
    mutating func read<M: RequestMessage>(_ message: inout M) throws(MalformedMessage) {
        while position < end {
            let number = try tag()
            do throws(MalformedMessage) {
                try message.read(number, from: &self)
                if !taken { try skip() }
            } catch {
                throw error.within(M.name(of: number))
            }
        }
    }

    // MARK: Values

    mutating func int64() throws(MalformedMessage) -> Int64? {
        guard wireType == WireType.varint else { return nil }
        taken = true
        return Int64(bitPattern: try varint())
    }

    /// Protobuf truncates: a negative int32 comes with ten bytes, sign-extended.
    mutating func int32() throws(MalformedMessage) -> Int32? {
        try int64().map { Int32(truncatingIfNeeded: $0) }
    }

    mutating func bool() throws(MalformedMessage) -> Bool? { try int64().map { $0 != 0 } }

    mutating func enumeration<E: WireEnum>(_ type: E.Type) throws(MalformedMessage) -> E? {
        guard let value = try int32() else { return nil }
        guard let known = E(rawValue: value) else {
            throw fault(.unknownValue("\(value)", known: E.list))
        }
        return known
    }

    mutating func string() throws(MalformedMessage) -> String? {
        try utf8().map {
            String(decoding: UnsafeRawBufferPointer(rebasing: whole[$0]), as: UTF8.self)
        }
    }

    mutating func utf8() throws(MalformedMessage) -> Range<Int>? {
        guard let range = try bytes() else { return nil }
        if let place = UTF8Check.firstFault(in: UnsafeRawBufferPointer(rebasing: whole[range])) {
            throw MalformedMessage(.invalidUTF8, at: .byte(range.lowerBound + place))
        }
        return range
    }

    mutating func bytes() throws(MalformedMessage) -> Range<Int>? {
        guard wireType == WireType.length else { return nil }
        taken = true
        let start = position
        let length = try varint()
        guard length <= UInt64(end - position) else {
            throw MalformedMessage(.truncated, at: .byte(start))
        }
        position += Int(length)
        return position - Int(length)..<position
    }

    mutating func message<M: RequestMessage>(_ current: M) throws(MalformedMessage) -> M? {
        var message = current
        return try merge(into: &message) ? message : nil
    }

    mutating func merge<M: RequestMessage>(
        into message: inout M
    ) throws(MalformedMessage) -> Bool {
        guard let range = try bytes() else { return false }
        let outerEnd = end
        position = range.lowerBound
        end = range.upperBound
        try read(&message)
        end = outerEnd
        taken = true
        return true
    }

    // MARK: Lists

    mutating func each<M: RequestMessage>(
        _ have: Int, max: Int, _ body: (inout BinarySource, M) -> Void
    ) throws(MalformedMessage) -> Int {
        guard wireType == WireType.length else { return have }
        if have >= max { throw fault(.tooMany(max: max)) }
        var element = M()
        do { _ = try merge(into: &element) } catch { throw error.within("[\(have)]") }
        body(&self, element)
        return have + 1
    }

    /// Packed or one by one: a parser MUST accept both.
    mutating func append(to list: inout [Int32], max: Int) throws(MalformedMessage) {
        guard wireType == WireType.length else {
            guard let value = try int32() else { return }
            if list.count >= max { throw fault(.tooMany(max: max)) }
            list.append(value)
            return
        }
        guard let range = try bytes() else { return }
        let outerEnd = end
        position = range.lowerBound
        end = range.upperBound
        while position < end {
            if list.count >= max { throw fault(.tooMany(max: max)) }
            list.append(Int32(truncatingIfNeeded: try varint()))
        }
        end = outerEnd
    }

    mutating func append(to list: inout [String], max: Int) throws(MalformedMessage) {
        guard wireType == WireType.length else { return }
        if list.count >= max { throw fault(.tooMany(max: max)) }
        let element: String?
        do { element = try string() } catch { throw error.within("[\(list.count)]") }
        if let element { list.append(element) }
    }

    mutating func appendHeader(key: Range<Int>, value: Range<Int>?) {
        headers.appendRecordHeader(key: whole[key], value: value.map { whole[$0] })
    }

    func fault(_ reason: MalformedMessage.Reason) -> MalformedMessage {
        MalformedMessage(reason, at: .byte(valueStart))
    }

    // MARK: Wire format

    /// The next field's number.
    private mutating func tag() throws(MalformedMessage) -> Int {
        let start = position
        let tag = try varint()
        // A tag has 32 bits; like protobuf we take no more than five bytes for them.
        guard tag >> 3 != 0, tag <= UInt64(UInt32.max), position - start <= 5 else {
            throw MalformedMessage(.invalidTag, at: .byte(start))
        }
        wireType = Int(tag & 7)
        valueStart = position
        taken = false
        return Int(tag >> 3)
    }

    private mutating func skip() throws(MalformedMessage) {
        switch wireType {
        case WireType.varint: _ = try varint()
        case WireType.length: _ = try bytes()
        case WireType.fixed64: try skip(8)
        case WireType.fixed32: try skip(4)
        case WireType.startGroup, WireType.endGroup: throw fault(.group)
        default: throw fault(.invalidWireType(wireType))
        }
    }

    private mutating func skip(_ count: Int) throws(MalformedMessage) {
        guard count <= end - position else { throw fault(.truncated) }
        position += count
    }

    /// Bits beyond the 64th are dropped, as protobuf's own parsers do.
    private mutating func varint() throws(MalformedMessage) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end {
            let byte = whole[position]
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
            if shift == 70 { throw MalformedMessage(.varintTooLong, at: .byte(start)) }
        }
        throw MalformedMessage(.truncated, at: .byte(start))
    }
}

enum WireType {
    static let varint = 0
    static let fixed64 = 1
    static let length = 2
    static let startGroup = 3
    static let endGroup = 4
    static let fixed32 = 5
}
