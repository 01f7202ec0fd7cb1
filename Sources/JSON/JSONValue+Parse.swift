extension JSONValue {
    /// The one value of `text`. Keys that occur twice in an object are refused.
    public static func parse(
        _ text: UnsafeRawBufferPointer, depthMax: Int = JSONReader.depthMaxDefault
    ) throws(JSONError) -> JSONValue {
        var builder = TreeBuilder(text, depthMax: depthMax)
        let value = try builder.value()
        try builder.reader.end()
        return value
    }

    public static func parse(
        _ text: String, depthMax: Int = JSONReader.depthMaxDefault
    ) throws(JSONError) -> JSONValue {
        var text = text
        // `withUTF8` knows no typed throws.
        let outcome = text.withUTF8 { utf8 in
            Result { () throws(JSONError) in
                try parse(UnsafeRawBufferPointer(utf8), depthMax: depthMax)
            }
        }
        return try outcome.get()
    }
}

private struct TreeBuilder {
    var reader: JSONReader
    let text: UnsafeRawBufferPointer
    /// Goes on with the reader, so that the whole text is counted once.
    var position = JSONPosition.start

    init(_ text: UnsafeRawBufferPointer, depthMax: Int) {
        self.text = text
        reader = JSONReader(text, depthMax: depthMax)
    }

    mutating func mark(_ offset: Int) -> JSONPosition {
        position.advance(to: offset, in: text)
        return position
    }

    mutating func value() throws(JSONError) -> JSONValue {
        let kind = try reader.kind()
        let start = mark(reader.offset)
        switch kind {
        case .null:
            try reader.null()
            return JSONValue(.null, at: start)
        case .bool: return JSONValue(.bool(try reader.bool()), at: start)
        case .number: return JSONValue(.number(try reader.number()), at: start)
        case .string: return JSONValue(.string(try reader.string()), at: start)
        case .array: return JSONValue(.array(try elements()), at: start)
        case .object: return JSONValue(.object(try members()), at: start)
        }
    }

    mutating func elements() throws(JSONError) -> [JSONValue] {
        var elements: [JSONValue] = []
        try reader.beginArray()
        while try reader.nextElement() { elements.append(try value()) }
        return elements
    }

    mutating func members() throws(JSONError) -> JSONObject {
        var object = JSONObject()
        var keys = KeySet()
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let keyPosition = mark(reader.keyOffset)
            guard keys.insert(key) else { throw JSONError(.duplicateKey(key), at: keyPosition) }
            let value = try value()
            object.append(.init(key: key, keyPosition: keyPosition, value: value))
        }
        return object
    }
}

/// The keys of one object. A hostile object has a hundred thousand: no search in a list.
private struct KeySet {
    private var keys: Set<[UInt8]> = []

    /// Answers false if the key is there already.
    mutating func insert(_ key: String) -> Bool { keys.insert(Array(key.utf8)).inserted }
}
