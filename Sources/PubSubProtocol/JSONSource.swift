import JSON

/// Fields of a proto3 JSON text, or of `pubsub.text`.
struct JSONSource: FieldSource {
    let limits: RequestLimits
    /// `.json` or `.text`.
    let format: MessageFormat
    /// Commands of the host's, by the keys that name them.
    private let hostFields: [String: Int]
    private var reader: JSONReader
    private let text: UnsafeRawBufferPointer
    private var valueStart = 0
    /// Whether the present field was given under its `Base64` name.
    private var asBase64 = false
    /// What `bytes` and `utf8` answered ranges of.
    private(set) var decoded: [UInt8] = []
    private(set) var headers: [UInt8] = []

    init(
        _ text: UnsafeRawBufferPointer, format: MessageFormat, hostFields: [String: Int],
        limits: RequestLimits
    ) {
        self.text = text
        self.format = format
        self.hostFields = hostFields
        self.limits = limits
        reader = JSONReader(text)
    }

    /// Reads the text's one object.
    mutating func readAll<M: RequestMessage>(_ message: inout M) throws(MalformedMessage) {
        try read(&message)
        do { try reader.end() } catch { throw MalformedMessage(error) }
    }

    private mutating func read<M: RequestMessage>(_ message: inout M) throws(MalformedMessage) {
        do { try reader.beginObject() } catch { throw MalformedMessage(error) }
        var seen: UInt64 = 0
        var oneofs: UInt64 = 0
        while let key = try nextKey() {
            do throws(MalformedMessage) {
                if M.takesHostFields, let number = hostField(key) {
                    guard let value = try hostValue() else { continue }
                    if oneofs & 1 << 1 != 0 { throw fault(.oneofConflict) }
                    oneofs |= 1 << 1
                    message.readHost(number, value)
                    continue
                }
                let index = try index(of: key, in: M.fields)
                let field = M.fields[index]
                if seen & 1 << UInt64(index) != 0 { throw fault(.repeatedField) }
                seen |= 1 << UInt64(index)
                let isNull = try enter() == .null
                if field.oneof > 0 && !isNull {
                    if oneofs & 1 << UInt64(field.oneof) != 0 { throw fault(.oneofConflict) }
                    oneofs |= 1 << UInt64(field.oneof)
                }
                try message.read(field.number, from: &self)
            } catch {
                throw error.within(MalformedMessage.shown(key))
            }
        }
    }

    /// Swift takes the Kelvin sign for a K; the host's names are ASCII.
    private func hostField(_ key: String) -> Int? {
        hostFields.isEmpty || !key.isASCII ? nil : hostFields[key]
    }

    /// Where the value lies, which may be anything; nil for null.
    private mutating func hostValue() throws(MalformedMessage) -> Range<Int>? {
        if try skipNull() { return nil }
        let start = reader.offset
        do { try reader.skipValue() } catch { throw MalformedMessage(error) }
        return start..<reader.offset
    }

    private mutating func nextKey() throws(MalformedMessage) -> String? {
        do {
            let key = try reader.nextKey()
            valueStart = reader.keyOffset
            return key
        } catch { throw MalformedMessage(error) }
    }

    private mutating func index(of key: String, in fields: [Field]) throws(MalformedMessage) -> Int
    {
        asBase64 = false
        // Swift takes the Kelvin sign for a K; the names of fields are ASCII.
        guard key.isASCII else { throw fault(.unknownField(known: Field.list(fields))) }
        if let index = fields.firstIndex(where: { $0.jsonName == key || $0.name == key }) {
            return index
        }
        if format == .text, key.hasSuffix("Base64") {
            let stem = key.dropLast("Base64".utf8.count)
            let index = fields.firstIndex { $0.isBytes && ($0.jsonName == stem || $0.name == stem) }
            if let index {
                asBase64 = true
                return index
            }
        }
        throw fault(.unknownField(known: Field.list(fields)))
    }

    /// The kind of the next value; errors speak of its place from here on.
    private mutating func enter() throws(MalformedMessage) -> JSONReader.Kind {
        do {
            let kind = try reader.kind()
            valueStart = reader.offset
            return kind
        } catch { throw MalformedMessage(error) }
    }

    private mutating func skipNull() throws(MalformedMessage) -> Bool {
        guard try enter() == .null else { return false }
        do { try reader.null() } catch { throw MalformedMessage(error) }
        return true
    }

    // MARK: Values

    mutating func int64() throws(MalformedMessage) -> Int64? { try integer(bits: 64) }

    mutating func int32() throws(MalformedMessage) -> Int32? {
        guard let value = try integer(bits: 32) else { return nil }
        guard let value = Int32(exactly: value) else { throw fault(.notAnInteger(bits: 32)) }
        return value
    }

    /// A number or a string of one; both may have a fraction or an exponent, if the value is an
    /// integer.
    private mutating func integer(bits: Int) throws(MalformedMessage) -> Int64? {
        if try skipNull() { return nil }
        let number: JSONNumber?
        do {
            if try reader.kind() == .string {
                number = JSONNumber(try reader.string())
            } else {
                number = try reader.number()
            }
        } catch { throw MalformedMessage(error) }
        guard let value = number?.int64 else { throw fault(.notAnInteger(bits: bits)) }
        return value
    }

    mutating func bool() throws(MalformedMessage) -> Bool? {
        if try skipNull() { return nil }
        do { return try reader.bool() } catch { throw MalformedMessage(error) }
    }

    mutating func string() throws(MalformedMessage) -> String? {
        if try skipNull() { return nil }
        do { return try reader.string() } catch { throw MalformedMessage(error) }
    }

    mutating func bytes() throws(MalformedMessage) -> Range<Int>? {
        guard let range = try utf8() else { return nil }
        if format == .text && !asBase64 { return range }
        guard decoded.decodeBase64(from: range.lowerBound) else { throw fault(.invalidBase64) }
        return range.lowerBound..<decoded.count
    }

    mutating func utf8() throws(MalformedMessage) -> Range<Int>? {
        if try skipNull() { return nil }
        let start = decoded.count
        do { try reader.string(into: &decoded) } catch { throw MalformedMessage(error) }
        return start..<decoded.count
    }

    /// The name of a value, or its number.
    mutating func enumeration<E: WireEnum>(_ type: E.Type) throws(MalformedMessage) -> E? {
        guard try enter() == .string else { return try numbered(type) }
        guard let name = try string() else { return nil }
        guard name.isASCII, let number = E.names[name], let value = E(rawValue: number) else {
            throw fault(.unknownValue("\"\(MalformedMessage.shown(name))\"", known: E.list))
        }
        return value
    }

    private mutating func numbered<E: WireEnum>(_ type: E.Type) throws(MalformedMessage) -> E? {
        guard let number = try int32() else { return nil }
        guard let value = E(rawValue: number) else {
            throw fault(.unknownValue("\(number)", known: E.list))
        }
        return value
    }

    mutating func message<M: RequestMessage>(_ current: M) throws(MalformedMessage) -> M? {
        var message = current
        return try merge(into: &message) ? message : nil
    }

    mutating func merge<M: RequestMessage>(
        into message: inout M
    ) throws(MalformedMessage) -> Bool {
        if try skipNull() { return false }
        try read(&message)
        return true
    }

    // MARK: Lists

    mutating func each<M: RequestMessage>(
        _ have: Int, max: Int, _ body: (inout JSONSource, M) -> Void
    ) throws(MalformedMessage) -> Int {
        var count = have
        try elements(max: max, have: have) { source throws(MalformedMessage) in
            var element = M()
            guard try source.merge(into: &element) else { throw source.nullElement() }
            body(&source, element)
            count += 1
        }
        return count
    }

    mutating func append(to list: inout [Int32], max: Int) throws(MalformedMessage) {
        try elements(max: max, have: list.count) { source throws(MalformedMessage) in
            guard let element = try source.int32() else { throw source.nullElement() }
            list.append(element)
        }
    }

    mutating func append(to list: inout [String], max: Int) throws(MalformedMessage) {
        try elements(max: max, have: list.count) { source throws(MalformedMessage) in
            guard let element = try source.string() else { throw source.nullElement() }
            list.append(element)
        }
    }

    private mutating func elements(
        max: Int, have: Int, _ body: (inout JSONSource) throws(MalformedMessage) -> Void
    ) throws(MalformedMessage) {
        if try skipNull() { return }
        do { try reader.beginArray() } catch { throw MalformedMessage(error) }
        var count = have
        while try nextElement() {
            do throws(MalformedMessage) {
                _ = try enter()
                if count >= max { throw fault(.tooMany(max: max)) }
                try body(&self)
            } catch { throw error.within("[\(count)]") }
            count += 1
        }
    }

    private mutating func nextElement() throws(MalformedMessage) -> Bool {
        do { return try reader.nextElement() } catch { throw MalformedMessage(error) }
    }

    mutating func appendHeader(key: Range<Int>, value: Range<Int>?) {
        headers.appendRecordHeader(key: decoded[key], value: value.map { decoded[$0] })
    }

    /// The proto3 mapping: null is not an accepted value for the elements of a list.
    private func nullElement() -> MalformedMessage {
        fault(.json(.wrongKind(.null, expected: "a value")))
    }

    func fault(_ reason: MalformedMessage.Reason) -> MalformedMessage {
        let position = JSONPosition(of: valueStart, in: text)
        return MalformedMessage(reason, at: .text(line: position.line, column: position.column))
    }
}

extension MalformedMessage {
    init(_ error: JSONError) {
        let place = Place.text(line: error.position.line, column: error.position.column)
        self.init(.json(error.reason), at: place)
    }
}

extension String {
    fileprivate var isASCII: Bool { utf8.allSatisfy { $0 < 0x80 } }
}
