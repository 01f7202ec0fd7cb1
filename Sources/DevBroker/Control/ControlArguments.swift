import JSON

/// The members of a command's object, by name and kind.
struct ControlArguments {
    typealias Refusal = ControlCommands.Refusal

    let command: String
    private let value: JSONValue

    init(_ line: UnsafeRawBufferPointer) throws(Refusal) {
        do throws(JSONError) {
            value = try JSONValue.parse(line)
        } catch {
            throw Refusal("not a line of JSON: \(error)")
        }
        guard let command = value["do"]?.string else {
            throw Refusal("a command is an object with \"do\"")
        }
        self.command = command
    }

    func optionalString(_ key: String) throws(Refusal) -> String? {
        guard let member = value[key], !member.isNull else { return nil }
        guard let text = member.string else { throw wrong(key, "a string") }
        return text
    }

    func string(_ key: String) throws(Refusal) -> String {
        guard let text = try optionalString(key) else { throw wrong(key, "a string") }
        return text
    }

    func string(_ key: String, _ absent: String) throws(Refusal) -> String {
        try optionalString(key) ?? absent
    }

    func optionalInt64(_ key: String) throws(Refusal) -> Int64? {
        guard let member = value[key], !member.isNull else { return nil }
        guard let number = member.int64 else { throw wrong(key, "a whole number") }
        return number
    }

    func int64(_ key: String) throws(Refusal) -> Int64 {
        guard let number = try optionalInt64(key) else { throw wrong(key, "a whole number") }
        return number
    }

    func optionalInt32(_ key: String) throws(Refusal) -> Int32? {
        guard let number = try optionalInt64(key) else { return nil }
        guard let small = Int32(exactly: number) else { throw wrong(key, "a number of 32 bits") }
        return small
    }

    func int32(_ key: String) throws(Refusal) -> Int32 {
        guard let number = try optionalInt32(key) else { throw wrong(key, "a whole number") }
        return number
    }

    func int32(_ key: String, _ absent: Int32) throws(Refusal) -> Int32 {
        try optionalInt32(key) ?? absent
    }

    func bool(_ key: String, _ absent: Bool) throws(Refusal) -> Bool {
        guard let member = value[key], !member.isNull else { return absent }
        guard let flag = member.bool else { throw wrong(key, "true or false") }
        return flag
    }

    func strings(_ key: String) throws(Refusal) -> [String] {
        guard let members = value[key]?.array else { throw wrong(key, "an array of strings") }
        var texts: [String] = []
        for member in members {
            guard let text = member.string else { throw wrong(key, "an array of strings") }
            texts.append(text)
        }
        return texts
    }

    private func wrong(_ key: String, _ kind: String) -> Refusal {
        Refusal("\(command): \"\(key)\" has to be \(kind)")
    }
}
