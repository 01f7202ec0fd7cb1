/// Records that were never sent.
struct UnsentLoad: Equatable {
    var bytes = 0
    var records = 0

    mutating func add(_ other: UnsentLoad) {
        bytes += other.bytes
        records += other.records
    }

    mutating func remove(_ other: UnsentLoad) {
        bytes -= other.bytes
        records -= other.records
    }
}
