import CShims
import Digests
import Testing
import Timing

/// CRC-32C: the known vectors, and every path against the definition at every length.
@Suite struct CRC32CTests {
    /// The definition, bit by bit.
    static func reference(_ bytes: some Sequence<UInt8>, seed: UInt32 = 0) -> UInt32 {
        var crc = ~seed
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
        }
        return ~crc
    }

    static func random(_ count: Int) -> [UInt8] {
        var random = SeededRandom(seed: UInt64(count))
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    @Test func knownVectors() {
        func crc(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { crc32c($0) } }
        #expect(crc([UInt8]("123456789".utf8)) == 0xe306_9283)
        // RFC 3720 appendix B.4.
        #expect(crc([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(crc([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(crc([UInt8](0..<32)) == 0x46dd_794e)
        #expect(crc([]) == 0)
    }

    typealias Path = @Sendable (UInt32, UnsafeRawPointer?, Int) -> UInt32

    static let paths: [Path] = [
        { cshims_crc32c($0, $1, $2) },
        { cshims_crc32c_tables($0, $1, $2) },
        { seed, bytes, count in
            cshims_crc32c_hardware_available() != 0
                ? cshims_crc32c_hardware(seed, bytes, count)
                : reference(UnsafeRawBufferPointer(start: bytes, count: count), seed: seed)
        },
    ]

    @Test(arguments: paths.indices)
    func everyLengthAgreesWithTheDefinition(path: Int) {
        let bytes = Self.random(1100)
        var expected: UInt32 = 0
        bytes.withUnsafeBytes { bytes in
            for count in 0...bytes.count {
                #expect(Self.paths[path](0, bytes.baseAddress, count) == expected)
                if count < bytes.count {
                    expected = Self.reference([bytes[count]], seed: expected)
                }
            }
        }
    }

    /// Around the strides of the three streams, from unaligned starts, behind a seed.
    @Test(arguments: paths.indices)
    func longInputsAgreeWithTheDefinition(path: Int) {
        let bytes = Self.random(40_000)
        bytes.withUnsafeBytes { bytes in
            for count in [503, 504, 505, 8159, 8160, 8161, 8664, 16320, 24_487, 39_990] {
                for start in [0, 1, 7] {
                    let part = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
                    let expected = Self.reference(part, seed: 0x1234_5678)
                    #expect(
                        Self.paths[path](0x1234_5678, part.baseAddress, count) == expected)
                }
            }
        }
    }

    @Test func theSeedContinues() {
        let bytes = Self.random(9000)
        bytes.withUnsafeBytes { bytes in
            let head = UnsafeRawBufferPointer(rebasing: bytes[..<777])
            let tail = UnsafeRawBufferPointer(rebasing: bytes[777...])
            #expect(crc32c(tail, seed: crc32c(head)) == crc32c(bytes))
            #expect(crc32(tail, seed: crc32(head)) == crc32(bytes))
        }
    }

    @Test func theOtherCRC32() {
        let check = [UInt8]("123456789".utf8).withUnsafeBytes { crc32($0) }
        #expect(check == 0xcbf4_3926)
        #expect(crc32(UnsafeRawBufferPointer(start: nil, count: 0), seed: 5) == 5)
    }
}
