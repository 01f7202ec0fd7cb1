import Bytes
import Compression
import Glibc
import Testing

/// Batches as Kafka's Java client and librdkafka compress them (Vectors/clients.txt).
@Suite struct ClientVectorTests {
    struct Vector: Sendable, CustomStringConvertible {
        let client: String
        let magic: Int
        let codec: Codec
        let bytes: [UInt8]

        var description: String { "\(client), magic \(magic), \(codec.name)" }
    }

    static let vectors: [Vector] = lines().compactMap { line in
        let fields = line.split(separator: " ")
        guard fields.count == 2, !line.hasPrefix("#") else { return nil }
        let name = fields[0].split(separator: "-")
        let digits = Array(fields[1].utf8)
        let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { at in
            UInt8(String(decoding: digits[at..<at + 2], as: UTF8.self), radix: 16)
        }
        guard let magic = Int(name[1]),
            let codec = Codec.allCases.first(where: { $0.name == name[2] })
        else { return nil }
        return Vector(client: String(name[0]), magic: magic, codec: codec, bytes: bytes)
    }

    private static func lines(of file: StaticString = #filePath) -> [Substring] {
        let directory = "\(file)".split(separator: "/").dropLast().joined(separator: "/")
        guard let stream = fopen("/\(directory)/Vectors/clients.txt", "r") else { return [] }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, stream))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    @Test func thereAreAllOfThem() { #expect(Self.vectors.count == 14) }

    @Test(arguments: vectors.filter { $0.magic == 2 })
    func aBatchHoldsAHundredRecords(vector: Vector) throws {
        let plain = try decompress(vector.codec, vector.bytes)
        let count = try plain.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var count = 0
            while !reader.isAtEnd {
                try reader.skip(Int(try reader.varint()))
                count += 1
            }
            return count
        }
        #expect(count == 100)
        #expect(String(decoding: plain, as: UTF8.self).contains("value-99"))
    }

    @Test("Trap 14: message sets of magic 0 and 1", arguments: vectors.filter { $0.magic < 2 })
    func aMessageSetHoldsWholeMessages(vector: Vector) throws {
        let plain = try decompress(vector.codec, vector.bytes)
        let count = try plain.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            var count = 0
            while !reader.isAtEnd {
                _ = try reader.int64()
                try reader.skip(Int(try reader.int32()))
                count += 1
            }
            return count
        }
        #expect(count == 10)
    }
}
