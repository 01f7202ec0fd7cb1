import Glibc
import Runtime

// The few places where the C interface touches the C library.

func allocateText(_ text: String) -> UnsafeMutablePointer<CChar>? {
    let count = text.utf8.count + 1
    guard let memory = malloc(count) else { return nil }
    text.withCString { memory.copyMemory(from: $0, byteCount: count) }
    return memory.assumingMemoryBound(to: CChar.self)
}

/// Copies text with its NUL to the host's memory; its length.
func write(
    _ text: String, to place: UnsafeMutablePointer<CChar>, _ capacity: Int, _ name: String
) throws(Failure) -> Int32 {
    let count = text.utf8.count
    guard count < capacity else {
        throw Failure(
            .full, "\(name) \(capacity) is less than the text and its NUL (\(count + 1))")
    }
    text.withCString { place.update(from: $0, count: count + 1) }
    return Int32(clamping: count)
}

/// Bytes in front of the NUL, looking at no more than `max`.
func textLength(_ text: UnsafePointer<CChar>, _ max: Int) -> Int { strnlen(text, max) }

func release(_ memory: UnsafeMutableRawPointer?) { free(memory) }
