import Bytes
import Compression

@testable import WebSocketProtocol

/// The client's codec: the inverse of what the library has, and able to break every rule.
struct ClientFrame {
    enum LengthForm { case minimal, extended16, extended64 }

    var opcode: UInt8
    var payload: [UInt8] = []
    var isFinal = true
    var reserved: UInt8 = 0
    var mask: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]
    var form = LengthForm.minimal
    /// What the header says, when that is not the truth.
    var announced: UInt64?

    var bytes: [UInt8] {
        var output = ByteWriter()
        output.uint8((isFinal ? 0x80 : 0) | reserved << 4 | opcode)
        let masked: UInt8 = mask == nil ? 0 : 0x80
        let length = announced ?? UInt64(payload.count)
        if form == .extended64 || length > 0xFFFF {
            output.uint8(masked | 127)
            output.int64(Int64(bitPattern: length))
        } else if form == .extended16 || length > 125 {
            output.uint8(masked | 126)
            output.uint16(UInt16(length))
        } else {
            output.uint8(masked | UInt8(length))
        }
        guard let mask else { return output.array + payload }
        return output.array + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
    }

    static func text(_ text: String, isFinal: Bool = true) -> ClientFrame {
        ClientFrame(opcode: 1, payload: [UInt8](text.utf8), isFinal: isFinal)
    }
    static func binary(_ payload: [UInt8], isFinal: Bool = true) -> ClientFrame {
        ClientFrame(opcode: 2, payload: payload, isFinal: isFinal)
    }
    static func more(_ payload: [UInt8], isFinal: Bool = false) -> ClientFrame {
        ClientFrame(opcode: 0, payload: payload, isFinal: isFinal)
    }
    static func ping(_ payload: [UInt8] = []) -> ClientFrame {
        ClientFrame(opcode: 9, payload: payload)
    }
    static func close(_ code: UInt16? = nil, _ reason: String = "") -> ClientFrame {
        let head = code.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []
        return ClientFrame(opcode: 8, payload: head + [UInt8](reason.utf8))
    }
    /// A message as permessage-deflate wants it.
    static func deflated(_ payload: [UInt8], opcode: UInt8 = 2) -> ClientFrame {
        var output = ByteWriter()
        payload.withUnsafeBytes { RawDeflate().deflate($0, into: &output) }
        return ClientFrame(opcode: opcode, payload: output.array.dropLast(4), reserved: 4)
    }
}

func + (left: ClientFrame, right: ClientFrame) -> [UInt8] { left.bytes + right.bytes }
func + (left: [UInt8], right: ClientFrame) -> [UInt8] { left + right.bytes }
