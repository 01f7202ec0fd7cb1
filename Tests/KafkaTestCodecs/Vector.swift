import Glibc

/// One exchange of a real client with a real broker, from Tests/Vectors.
public struct Vector {
    /// `broker/file:line`, for messages of failures.
    public let place: String
    public let file: String
    /// nil for a bare SASL token.
    public let apiKey: Int16?
    public let apiVersion: Int16
    public let correlationID: Int32
    public let request: [UInt8]
    public let response: [UInt8]?
}

extension Vector {
    public static let brokers = ["2.1.1", "2.8.0", "3.9.1", "4.1.1"]

    /// Every exchange with one release of the broker, in the order of the files' names.
    public static func all(broker: String) -> [Vector] {
        let directory = "\(root)/\(broker)"
        return files(in: directory).flatMap { name in
            contents("\(directory)/\(name)").split(separator: UInt8(ascii: "\n")).enumerated()
                .compactMap { Vector(line: $1, file: name, place: "\(broker)/\(name):\($0 + 1)") }
        }
    }

    private static let root: String = {
        let here = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        return "/\(here)/Vectors/kafka"
    }()

    private static func files(in directory: String) -> [String] {
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

    /// The lines are flat objects of numbers and hexadecimal text: no JSON reader is needed.
    private init?(line: ArraySlice<UInt8>, file: String, place: String) {
        var fields: [String: ArraySlice<UInt8>] = [:]
        for pair in line.dropFirst().dropLast().split(separator: UInt8(ascii: ",")) {
            guard let colon = pair.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            let name = pair[pair.startIndex + 1..<colon - 1]
            fields[String(decoding: name, as: UTF8.self)] = pair[(colon + 1)...]
        }
        func number(_ name: String) -> Int? {
            fields[name].flatMap { Int(String(decoding: $0, as: UTF8.self)) }
        }
        func frame(_ name: String) -> [UInt8]? {
            guard let text = fields[name], text.first == UInt8(ascii: "\"") else { return nil }
            return bytes(hex: text.dropFirst().dropLast())
        }
        guard let request = frame("request") else { return nil }
        self.place = place
        self.file = file
        self.request = request
        response = frame("response")
        apiKey = number("api_key").flatMap { Int16(exactly: $0) }
        apiVersion = number("api_version").flatMap { Int16(exactly: $0) } ?? 0
        correlationID = number("correlation_id").flatMap { Int32(exactly: $0) } ?? 0
    }
}
