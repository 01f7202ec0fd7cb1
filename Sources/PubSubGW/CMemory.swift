import Glibc

// The few places where the C interface touches the C library.

func allocateText(_ text: String) -> UnsafeMutablePointer<CChar>? {
    let count = text.utf8.count + 1
    guard let memory = malloc(count) else { return nil }
    text.withCString { memory.copyMemory(from: $0, byteCount: count) }
    return memory.assumingMemoryBound(to: CChar.self)
}

/// Bytes in front of the NUL, looking at no more than `max`.
func textLength(_ text: UnsafePointer<CChar>, _ max: Int) -> Int { strnlen(text, max) }

func release(_ memory: UnsafeMutableRawPointer?) { free(memory) }
