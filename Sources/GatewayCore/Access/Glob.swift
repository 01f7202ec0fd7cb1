/// A pattern over topic names: `*` stands for any run of characters, `?` for one byte. Anchored
/// at both ends; there is no escape, because topic names hold neither sign.
public struct Glob: Hashable, Sendable {
    public let text: String
    private let pattern: [UInt8]

    public init(_ text: String) {
        self.text = text
        pattern = [UInt8](text.utf8)
    }

    /// Linear in the product of both lengths at worst: only the last `*` is ever tried again.
    public func matches(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { matches($0) }
    }

    private func matches(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        var at = 0
        var place = 0
        var star: (pattern: Int, name: Int)?
        while at < name.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = (place + 1, at)
                place += 1
            } else if place < pattern.count,
                pattern[place] == name[at] || pattern[place] == UInt8(ascii: "?")
            {
                at += 1
                place += 1
            } else if let (after, from) = star {
                star = (after, from + 1)
                place = after
                at = from + 1
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
