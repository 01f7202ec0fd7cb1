import CPubSubGW
import CShims
import Runtime

// What every function of the C interface does around its own work: the fork rule, arguments from
// C, the way from a Swift error to a status and `pubsubgw_last_error`, and a host that cancels its
// threads.

/// Runs a call that answers a status or a number.
func answer(_ body: () throws(Failure) -> Int32) -> Int32 {
    uncancelled {
        do throws(Failure) {
            try ForkGuard.check()
            return try body()
        } catch {
            LastError.set(error.text)
            return error.status.rawValue
        }
    }
}

/// Runs a call that answers text which C frees; nil on failure.
func answerText(
    _ length: UnsafeMutablePointer<Int>?, _ body: () throws(Failure) -> String
) -> UnsafeMutablePointer<CChar>? {
    length?.pointee = 0
    return uncancelled {
        do throws(Failure) {
            try ForkGuard.check()
            let text = try body()
            let count = text.utf8.count
            guard let copy = allocateText(text) else {
                throw Failure(.noMemory, "no memory for \(count) bytes of text")
            }
            length?.pointee = count
            return copy
        } catch {
            LastError.set(error.text)
            return nil
        }
    }
}

/// Ends the handle of a `T`, if it is live. In a forked child locks and memory may be in the middle
/// of the parent's work.
func end<T>(
    _ pointer: OpaquePointer?, _ find: (OpaquePointer?) throws(Failure) -> T, _ body: (T) -> Void
) {
    uncancelled {
        guard (try? ForkGuard.check()) != nil, (try? find(pointer)) != nil,
            let object = HandleRegistry.remove(pointer) as? T
        else { return }
        body(object)
    }
}

/// A host's thread that is cancelled in the middle of a call would unwind out of a system call,
/// past Swift code that holds a lock and does not know of it.
func uncancelled<Answer>(_ body: () -> Answer) -> Answer {
    let before = cshims_cancellation_off()
    defer { cshims_cancellation_set(before) }
    return body()
}

/// Limits on what C hands in, so that a wrong length is told and not followed.
enum Argument {
    /// Route objects, policies, settings; with certificates inside.
    static let jsonBytesMax = 4 << 20
    /// Ids, addresses, paths, header values.
    static let stringBytesMax = 64 << 10
    /// Request heads and what was read behind them.
    static let bytesMax = 16 << 20
    /// Structs of hosts that were compiled against a later header.
    static let structBytesMax = 4096

    static func gateway(_ pointer: OpaquePointer?) throws(Failure) -> Gateway {
        let object = try HandleRegistry.object(pointer, .gateway, argument: "gateway")
        guard let gateway = object as? Gateway else {
            throw Failure(.invalid, "gateway is not a pubsubgw_gateway of this library")
        }
        return gateway
    }

    static func queue(_ pointer: OpaquePointer?) throws(Failure) -> EventQueue {
        let object = try HandleRegistry.object(pointer, .queue, argument: "queue")
        guard let queue = object as? EventQueue else {
            throw Failure(.invalid, "queue is not a pubsubgw_queue of this library")
        }
        return queue
    }

    static func client(_ pointer: OpaquePointer?) throws(Failure) -> KafkaClient {
        let object = try HandleRegistry.object(pointer, .client, argument: "client")
        guard let client = object as? KafkaClient else {
            throw Failure(.invalid, "client is not a pubsubgw_client of this library")
        }
        return client
    }

    static func producer(_ pointer: OpaquePointer?) throws(Failure) -> KafkaProducer {
        let object = try HandleRegistry.object(pointer, .producer, argument: "producer")
        guard let producer = object as? KafkaProducer else {
            throw Failure(.invalid, "producer is not a pubsubgw_producer of this library")
        }
        return producer
    }

    /// A string that may be NULL.
    static func optionalString(
        _ pointer: UnsafePointer<CChar>?, _ name: String, max: Int = stringBytesMax
    ) throws(Failure) -> String? {
        guard let pointer else { return nil }
        let bytes = UnsafeRawBufferPointer(start: pointer, count: textLength(pointer, max + 1))
        guard bytes.count <= max else {
            throw Failure(.invalid, "\(name) is longer than \(max) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.invalid, "\(name) is not UTF-8")
        }
        return text
    }

    static func string(
        _ pointer: UnsafePointer<CChar>?, _ name: String
    ) throws(Failure) -> String {
        guard let text = try optionalString(pointer, name) else {
            throw Failure(.invalid, "\(name) is NULL")
        }
        return text
    }

    static func identifier(
        _ pointer: UnsafePointer<CChar>?, _ name: String
    ) throws(Failure) -> String {
        let text = try string(pointer, name)
        guard !text.isEmpty else { throw Failure(.invalid, "\(name) is empty") }
        return text
    }

    /// Bytes with a length from C; nil for NULL with length 0.
    static func bytes(
        _ pointer: UnsafeRawPointer?, _ count: Int, _ name: String, max: Int = bytesMax
    ) throws(Failure) -> UnsafeRawBufferPointer? {
        guard count >= 0 && count <= max else {
            throw Failure(.invalid, "\(name) has a length beyond \(max) bytes")
        }
        guard let pointer else {
            guard count == 0 else {
                throw Failure(.invalid, "\(name) is NULL with a length of \(count)")
            }
            return nil
        }
        return UnsafeRawBufferPointer(start: pointer, count: count)
    }

    static func json(
        _ pointer: UnsafePointer<CChar>?, _ count: Int
    ) throws(Failure) -> UnsafeRawBufferPointer {
        guard let bytes = try bytes(pointer, count, "json", max: jsonBytesMax) else {
            throw Failure(.invalid, "json is NULL")
        }
        return bytes
    }

    static func flags(_ value: UInt32, known: UInt32) throws(Failure) {
        guard value & ~known == 0 else {
            throw Failure(
                .unsupported,
                "flags 0x\(String(value & ~known, radix: 16)) are not known to this version")
        }
    }

    static func timeout(_ value: Int32) throws(Failure) -> Int64 {
        guard value >= 0 else { throw Failure(.invalid, "timeout_ms is negative (\(value))") }
        return Int64(value)
    }
}
