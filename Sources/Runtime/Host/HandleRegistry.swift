import Synchronization

/// The live handles of the C interface. What C holds is a number that was never an address, and is
/// never given out twice: a destroyed or foreign pointer is looked up, not believed.
public enum HandleRegistry {
    public enum Kind: UInt, Sendable {
        case gateway = 0x5047_0000_0000
        case queue = 0x5051_0000_0000
        case client = 0x5043_0000_0000
        case producer = 0x5050_0000_0000

        var name: String {
            switch self {
            case .gateway: "pubsubgw_gateway"
            case .queue: "pubsubgw_queue"
            case .client: "pubsubgw_client"
            case .producer: "pubsubgw_producer"
            }
        }
    }

    /// Handles of one kind that a process can ever make.
    static let handlesMax: UInt = 1 << 28
    /// Handles look like aligned pointers.
    static let stride: UInt = 16

    struct Table: Sendable {
        var objects: [UInt: any AnyObject & Sendable] = [:]
        var made: [Kind: UInt] = [:]
    }

    private static let table = Mutex(Table())

    public static func add(
        _ object: any AnyObject & Sendable, _ kind: Kind
    ) throws(Failure) -> OpaquePointer {
        let handle: UInt? = table.withLock { table in
            let index = table.made[kind, default: 0] + 1
            guard index < handlesMax else { return nil }
            table.made[kind] = index
            let handle = kind.rawValue + index * stride
            table.objects[handle] = object
            return handle
        }
        guard let handle, let pointer = OpaquePointer(bitPattern: handle) else {
            throw Failure(.noMemory, "no \(kind.name) handles are left in this process")
        }
        return pointer
    }

    /// The object behind a pointer from C.
    public static func object(
        _ pointer: OpaquePointer?, _ kind: Kind, argument: String
    ) throws(Failure) -> any AnyObject & Sendable {
        guard let pointer else { throw Failure(.invalid, "\(argument) is NULL") }
        let handle = UInt(bitPattern: pointer)
        let (object, made) = table.withLock { ($0.objects[handle], $0.made) }
        if let object, handle & ~0xffff_ffff == kind.rawValue { return object }
        throw explain(handle, kind, argument, made)
    }

    /// Takes the handle out; nil if it was not live.
    public static func remove(_ pointer: OpaquePointer?) -> (any AnyObject & Sendable)? {
        guard let pointer else { return nil }
        return table.withLock { $0.objects.removeValue(forKey: UInt(bitPattern: pointer)) }
    }

    private static func explain(
        _ handle: UInt, _ kind: Kind, _ argument: String, _ made: [Kind: UInt]
    ) -> Failure {
        guard let found = Kind(rawValue: handle & ~0xffff_ffff), handle % stride == 0,
            (handle & 0xffff_ffff) / stride <= made[found, default: 0], handle != found.rawValue
        else { return Failure(.invalid, "\(argument) is not a \(kind.name) of this library") }
        guard found == kind else {
            return Failure(.invalid, "\(argument) is a \(found.name), not a \(kind.name)")
        }
        return Failure(.gone, "\(argument) is a \(kind.name) that was destroyed")
    }
}
