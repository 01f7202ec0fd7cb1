/// What Kafka takes for the name of a topic.
public enum TopicName {
    /// Kafka's `Topic.MAX_NAME_LENGTH`, in bytes.
    public static let bytesMax = 249

    /// 1 to 249 of `a-z A-Z 0-9 . _ -`, but not `.` and `..`. Brokers have no other topics.
    ///
    /// Check it before a name is compared with anything: Swift's `==` and dictionaries take
    /// canonically equivalent strings for equal (the Kelvin sign for a K), rules on bytes do not,
    /// and what lies between the two is a way around a deny list.
    public static func isLegal(_ name: String) -> Bool {
        let count = name.utf8.count
        guard count > 0, count <= bytesMax else { return false }
        return name.utf8.allSatisfy(isLegal) && name != "." && name != ".."
    }

    /// Whether a name can match `pattern`, in which `*` stands for any run of bytes, `?` for one.
    public static func isPossible(pattern: String) -> Bool {
        let stars = pattern.utf8.count { $0 == UInt8(ascii: "*") }
        // With a run of nothing for each star, and any letter for each "?".
        let shortest = pattern.utf8.count - stars
        guard shortest <= bytesMax, shortest > 0 || stars > 0 else { return false }
        return pattern != "." && pattern != ".."
            && pattern.utf8.allSatisfy {
                isLegal($0) || $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?")
            }
    }

    private static func isLegal(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
