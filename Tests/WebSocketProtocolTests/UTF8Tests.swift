import Testing
import Timing

@testable import WebSocketProtocol

/// RFC 3629, against the standard library's own opinion.
@Suite struct UTF8Tests {
    func accepts(_ bytes: [UInt8], pieces: Int) -> Bool {
        var validator = UTF8Validator()
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = [UInt8](rest.prefix(pieces))
            rest = rest.dropFirst(piece.count)
            guard piece.withUnsafeBytes({ validator.accept($0) }) else { return false }
        }
        return validator.isComplete
    }

    func isUTF8(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

    @Test func everyPairOfBytes() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let bytes = [first, second]
                let expected = isUTF8(bytes)
                if accepts(bytes, pieces: 2) != expected || accepts(bytes, pieces: 1) != expected {
                    Issue.record("\(bytes)")
                }
            }
        }
    }

    /// Sequences of three and four bytes around every border of the ranges.
    @Test func theBordersOfLongSequences() {
        let edges: [UInt8] = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF]
        for first in UInt8(0xDF)...0xFF {
            for second in edges {
                for third in edges {
                    for tail in [[], [0x7F], [0x80], [0xBF], [0xC0]] as [[UInt8]] {
                        let bytes = [first, second, third] + tail
                        if accepts(bytes, pieces: 1) != isUTF8(bytes) { Issue.record("\(bytes)") }
                    }
                }
            }
        }
    }

    @Test(arguments: 0..<40) func textsWithOneByteChanged(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let text =
            String(repeating: "plain ASCII that fills words, ", count: 3)
            + "Kėčup ½ – 漢字 👩‍🚀 κόσμε"
        let bytes = [UInt8]((text + text).utf8)
        #expect(accepts(bytes, pieces: 1 + Int(seed)))
        for _ in 0..<200 {
            var changed = bytes
            let at = Int.random(in: 0..<bytes.count, using: &random)
            changed[at] = UInt8.random(in: 0...255, using: &random)
            let pieces = Int.random(in: 1...64, using: &random)
            if accepts(changed, pieces: pieces) != isUTF8(changed) { Issue.record("\(changed)") }
        }
    }

    /// Autobahn 6.4: refused with the byte behind which nothing can make it right.
    @Test func aFaultShowsBeforeTheMessageEnds() {
        let bad: [(good: [UInt8], fault: UInt8)] = [
            ([0xF4], 0x90), ([0xE0], 0x9F), ([0xED], 0xA0), ([0xF0], 0x8F), ([], 0xC1),
            ([], 0xF5), ([0xCE, 0xBA, 0xE1, 0xBD], 0x20),
        ]
        for (good, fault) in bad {
            let start = ClientFrame(opcode: 1, payload: good, isFinal: false).bytes
            let next = ClientFrame(opcode: 0, payload: [fault], isFinal: false)
            Transcript().verify(
                start + next, [.fault(.invalidUTF8, at: UInt64(start.count))])
            // In the middle of a frame whose rest never comes.
            let cut = ClientFrame(opcode: 1, payload: good + [fault, 0x20, 0x20]).bytes
            Transcript().verify(cut.dropLast(2), [.fault(.invalidUTF8, at: 0)])
        }
    }

    @Test func aMessageMayNotEndInsideOfACharacter() {
        Transcript().verify(
            ClientFrame(opcode: 1, payload: [0x61, 0xC3]).bytes, [.fault(.invalidUTF8, at: 0)])
        Transcript().verify(
            ClientFrame(opcode: 1, payload: [0xC3], isFinal: false) + .more([], isFinal: true),
            [.fault(.invalidUTF8, at: 7)])
    }

    @Test func aCharacterMayBeSpreadOverFragments() {
        let bytes = [UInt8]("👩‍🚀".utf8)
        var stream = ClientFrame.text("", isFinal: false).bytes
        for byte in bytes { stream += ClientFrame.more([byte]).bytes }
        Transcript().verify(stream + .more([], isFinal: true), [.text("👩‍🚀")])
    }

    @Test func binaryMessagesMayHoldAnything() {
        Transcript().verify(ClientFrame.binary([0xFF, 0xC0]).bytes, [.binary([0xFF, 0xC0])])
    }
}
