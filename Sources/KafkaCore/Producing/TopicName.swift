/// What Kafka allows a topic to be called (`Topic.validate`).
enum TopicName {
    static func isValid(_ name: String, bytesMax: Int) -> Bool {
        guard !name.isEmpty, name.utf8.count <= bytesMax, name != ".", name != ".." else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
