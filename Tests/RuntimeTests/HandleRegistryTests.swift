import Runtime
import Testing

/// A pointer from C is looked up, never believed.
struct HandleRegistryTests {
    final class Thing: Sendable {}

    @Test func aLiveHandleFindsItsObject() throws {
        let thing = Thing()
        let handle = try HandleRegistry.add(thing, .gateway)
        let found = try HandleRegistry.object(handle, .gateway, argument: "gateway")
        let isSame = ObjectIdentifier(found) == ObjectIdentifier(thing)
        #expect(isSame)
        _ = HandleRegistry.remove(handle)
    }

    @Test func aDestroyedHandleIsGoneForEver() throws {
        let handle = try HandleRegistry.add(Thing(), .queue)
        let isRemoved = HandleRegistry.remove(handle) != nil
        #expect(isRemoved)
        let isRemovedAgain = HandleRegistry.remove(handle) != nil
        #expect(!isRemovedAgain)
        let other = try HandleRegistry.add(Thing(), .queue)
        #expect(other != handle)
        let failure = #expect(throws: Failure.self) {
            _ = try HandleRegistry.object(handle, .queue, argument: "queue")
        }
        #expect(failure?.status == .gone)
        _ = HandleRegistry.remove(other)
    }

    @Test func aHandleOfTheOtherKindIsNamed() throws {
        let handle = try HandleRegistry.add(Thing(), .queue)
        let failure = #expect(throws: Failure.self) {
            _ = try HandleRegistry.object(handle, .gateway, argument: "gateway")
        }
        #expect(failure?.status == .invalid)
        #expect(failure?.text == "gateway is a pubsubgw_queue, not a pubsubgw_gateway")
        _ = HandleRegistry.remove(handle)
    }

    @Test(arguments: [0, 1, 16, 0x5047_0000_0000, 0x5047_0000_0008, 0x5047_ffff_fff0, UInt.max])
    func foreignPointersAreInvalid(address: UInt) {
        let failure = #expect(throws: Failure.self) {
            _ = try HandleRegistry.object(
                OpaquePointer(bitPattern: address), .gateway, argument: "gateway")
        }
        #expect(failure?.status == .invalid)
    }
}
