import Synchronization

/// Names and sentences for statuses, as C strings that live for ever.
public enum StatusText {
    /// -1000 - n: the largest error code that the Kafka protocol can carry is that of an INT16.
    private static let kafkaCodes: ClosedRange<Int32> = 0...32767

    /// C strings for Kafka's errors, made when first asked for. They are few and never freed.
    private static let made = Mutex<[String: UInt]>([:])

    public static func name(_ code: Int32) -> UnsafePointer<CChar> {
        if let status = Status(rawValue: code) { return pointer(status.name) }
        if let kafka = kafkaCode(code) { return pointer(KafkaNames.error(kafka)) }
        return pointer("PUBSUBGW_E_UNKNOWN")
    }

    public static func sentence(_ code: Int32) -> UnsafePointer<CChar> {
        if let status = Status(rawValue: code) { return pointer(status.explanation) }
        if let kafka = kafkaCode(code) {
            return pointer("Kafka answered with error \(KafkaNames.error(kafka)).")
        }
        return pointer("This is no status of libpubsubgw.")
    }

    private static func kafkaCode(_ code: Int32) -> Int16? {
        let number = Status.kafka.rawValue.subtractingReportingOverflow(code)
        guard !number.overflow, kafkaCodes.contains(number.partialValue) else { return nil }
        return Int16(number.partialValue)
    }

    private static func pointer(_ text: StaticString) -> UnsafePointer<CChar> {
        UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    private static func pointer(_ text: String) -> UnsafePointer<CChar> {
        let address = made.withLock { made in
            if let address = made[text] { return address }
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.utf8.count + 1)
            text.withCString { copy.update(from: $0, count: text.utf8.count + 1) }
            made[text] = UInt(bitPattern: copy)
            return UInt(bitPattern: copy)
        }
        return UnsafePointer(bitPattern: address).unsafelyUnwrapped
    }
}
