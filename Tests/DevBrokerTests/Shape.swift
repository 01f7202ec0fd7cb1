import KafkaProtocol

/// What of a message is the same whatever the numbers are: which values are null, empty, negative
/// or none, told apart by the error code that stands beside them.
struct Shape {
    /// Facts by place, "responses[].partitions[].highWatermark after 0": {"natural"}.
    private(set) var facts: [String: Set<String>] = [:]

    mutating func add(_ message: Any, _ name: String) {
        walk(message, name, code: "0")
    }

    /// The facts of `message` that are not among these; a place that was never seen is unknown,
    /// and no difference.
    func differences(_ message: Any, _ name: String) -> [String] {
        var other = Shape()
        other.add(message, name)
        return other.facts.keys.sorted().compactMap { place in
            guard let seen = facts[place], let found = other.facts[place] else { return nil }
            let strange = found.subtracting(seen)
            guard !strange.isEmpty else { return nil }
            return "\(place): \(strange.sorted()), real ones: \(seen.sorted())"
        }
    }

    private mutating func note(_ fact: String, _ place: String, _ code: String) {
        facts["\(place) after \(code)", default: []].insert(fact)
    }

    private mutating func walk(_ value: Any, _ place: String, code: String) {
        switch value {
        case is Bool: return
        case let records as KafkaBytes: note(records.count == 0 ? "empty" : "bytes", place, code)
        case let id as KafkaUUID: note(id == .zero ? "zero" : "id", place, code)
        case let text as String: note(text.isEmpty ? "empty" : "text", place, code)
        case let number as any BinaryInteger:
            note(isNegative(number) ? "negative" : "natural", place, code)
        default: walkInto(Mirror(reflecting: value), place, code: code)
        }
    }

    private mutating func walkInto(_ mirror: Mirror, _ place: String, code: String) {
        switch mirror.displayStyle {
        case .optional:
            guard let inner = mirror.children.first else { return note("null", place, code) }
            walk(inner.value, place, code: code)
        case .collection:
            // How many there are depends on what was written before.
            note("list", place, code)
            for child in mirror.children {
                if child.value is UInt8 { return }
                walk(child.value, place + "[]", code: code)
            }
        default:
            let own = mirror.children.first { $0.label?.hasSuffix("rrorCode") ?? false }
            let code = (own?.value as? Int16).map(String.init) ?? code
            for child in mirror.children {
                walk(child.value, "\(place).\(child.label ?? "")", code: code)
            }
        }
    }
}

private func isNegative(_ number: some BinaryInteger) -> Bool { number < 0 }
