import Glibc
import KafkaTestCodecs

/// One exchange of a real client with a real broker, from Tests/Vectors.
struct Exchange {
    /// `file:line`, for messages of failures.
    let place: String
    let file: String
    let apiKey: Int16
    let version: Int16
    let request: [UInt8]
    let response: [UInt8]

    /// Every answered exchange with one release, in the order of the files' names.
    static func all(release: String) -> [Exchange] {
        let directory = "\(root)/\(release)"
        return names(in: directory).flatMap { name in
            contents("\(directory)/\(name)").split(separator: UInt8(ascii: "\n")).enumerated()
                .compactMap { Exchange($1, file: name, place: "\(release)/\(name):\($0 + 1)") }
        }
    }

    private static let root: String = {
        let here = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        return "/\(here)/Vectors/kafka"
    }()

    private static func names(in directory: String) -> [String] {
        guard let handle = opendir(directory) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".jsonl") { names.append(name) }
        }
        return names.sorted()
    }

    private static func contents(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// The lines are flat objects of numbers and hexadecimal text.
    private init?(_ line: ArraySlice<UInt8>, file: String, place: String) {
        var fields: [String: ArraySlice<UInt8>] = [:]
        for pair in line.dropFirst().dropLast().split(separator: UInt8(ascii: ",")) {
            guard let colon = pair.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            let name = pair[pair.startIndex + 1..<colon - 1]
            fields[String(decoding: name, as: UTF8.self)] = pair[(colon + 1)...]
        }
        func number(_ name: String) -> Int16? {
            fields[name].flatMap { Int16(String(decoding: $0, as: UTF8.self)) }
        }
        func frame(_ name: String) -> [UInt8]? {
            guard let text = fields[name], text.first == UInt8(ascii: "\"") else { return nil }
            return bytes(hex: text.dropFirst().dropLast())
        }
        guard let key = number("api_key"), let version = number("api_version"),
            let request = frame("request"), let response = frame("response")
        else { return nil }
        self.place = place
        self.file = file
        apiKey = key
        self.version = version
        self.request = request
        self.response = response
    }
}
