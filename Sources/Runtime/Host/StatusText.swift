import Statuses
import Synchronization

/// Names and sentences for statuses, as C strings that live for ever.
public enum StatusText {
    /// C strings for Kafka's errors, made when first asked for. They are few and never freed.
    private static let made = Mutex<[String: UInt]>([:])

    public static func name(_ code: Int32) -> UnsafePointer<CChar> {
        if let status = Status(rawValue: code) { return pointer(status.name) }
        if let kafka = Status.kafkaCode(code) { return pointer(KafkaNames.error(kafka)) }
        return pointer("PUBSUBGW_E_UNKNOWN")
    }

    public static func sentence(_ code: Int32) -> UnsafePointer<CChar> {
        if let status = Status(rawValue: code) { return pointer(status.explanation) }
        if let kafka = Status.kafkaCode(code) {
            return pointer("Kafka answered with error \(KafkaNames.error(kafka)).")
        }
        return pointer("This is no status of libpubsubgw.")
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
