import Bytes
import JSON

/// Route objects as they may be shown: passwords and keys are masked, and so is everything inside
/// of plugins whose secrets we don't know.
enum RouteMask {
    private static let secretKeys: Set<String> = [
        "password", "sasl_password", "client_key", "token",
    ]
    private static let mask = JSONValue(.string("***"))

    static func masked(_ value: JSONValue, id: String) -> String {
        var writer = ByteWriter(capacity: 512)
        writer.jsonBeginObject()
        writer.jsonKey("id")
        writer.jsonString(id)
        for member in value.object?.members ?? [] where member.key != "id" {
            writer.jsonKey(member.key)
            if member.key == "plugins" {
                plugins(member.value, &writer)
            } else {
                write(member.value, &writer)
            }
        }
        writer.jsonEndObject()
        return String(decoding: writer.array, as: UTF8.self)
    }

    private static func plugins(_ value: JSONValue, _ writer: inout ByteWriter) {
        writer.jsonBeginObject()
        for member in value.object?.members ?? [] {
            writer.jsonKey(member.key)
            write(member.key == "kafka-proxy" ? member.value : mask, &writer)
        }
        writer.jsonEndObject()
    }

    private static func write(_ value: JSONValue, _ writer: inout ByteWriter) {
        switch value.content {
        case .object(let object):
            writer.jsonBeginObject()
            for member in object.members {
                writer.jsonKey(member.key)
                write(secretKeys.contains(member.key) ? mask : member.value, &writer)
            }
            writer.jsonEndObject()
        case .array(let elements):
            writer.jsonBeginArray()
            for element in elements {
                writer.jsonElement()
                write(element, &writer)
            }
            writer.jsonEndArray()
        default: writer.jsonValue(value)
        }
    }
}
