import GatewayCore
import Synchronization

/// Counts what the host has taken of one subscription, and tells the loop: one job for all that
/// was taken before it ran.
final class DirectReceipt: EventReceipt {
    let client: KafkaClient
    let token: UInt64
    let number: UInt64
    private let bytes = Atomic<Int>(0)

    init(_ client: KafkaClient, token: UInt64, number: UInt64) {
        self.client = client
        self.token = token
        self.number = number
    }

    func eventLeft(byteCount: Int) {
        if bytes.add(byteCount, ordering: .relaxed).oldValue == 0 { client.taken(self) }
    }

    func takeBytes() -> Int { bytes.exchange(0, ordering: .relaxed) }
}
