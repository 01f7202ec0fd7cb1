/// A reply as a client reads it.
struct Response: Equatable {
    struct Failure: Equatable {
        var code: Int64
        var message: String
        var retriable = false
        var logStart: Int64?
        var highWatermark: Int64?
        var cause: String?
        var nextOffset: Int64?
    }

    struct Record: Equatable {
        var offset: Int64
        var timestamp: Int64
        var key: [UInt8]?
        var value: [UInt8]?
        /// `name=value`; without the sign for null.
        var headers: [String] = []

        var text: String { String(decoding: value ?? [], as: UTF8.self) }
    }

    struct Batch: Equatable {
        var records: [Record] = []
        var topic = ""
        var partition: Int64 = 0
        var nextOffset: Int64?
        var highWatermark: Int64?
        var logStart: Int64?
        var lastStable: Int64?
        var starts: [Start] = []
        var failure: Failure?
        var skipped: Skipped?
    }

    struct Skipped: Equatable {
        var offset: Int64
        var failure: Failure
    }

    struct Start: Equatable {
        var topic: String
        var partition: Int64
        var offset: Int64
        /// 3: it waits.
        var outcome: Int64 = 0
        var reason = ""
    }

    struct Topic: Equatable {
        var name: String
        var partitions: [Int64]
        var code: Int64
    }

    struct Produced: Equatable {
        var partition: Int64 = 0
        var offset: Int64 = 0
        var timestamp: Int64 = 0
        var failure: Failure?
    }

    enum Body: Equatable {
        case none
        case error(Failure)
        case pong([UInt8])
        case fetch(Batch)
        case listOffset(Int64, timestamp: Int64?)
        case push(Batch)
        case unsubscribed(Int64)
        case granted(Int64, messages: Int64?, bytes: Int64?)
        case paused(Int64, Bool)
        case metadata([Topic])
        case produced([Produced], compared: Bool)
        case host(Int, [UInt8])
    }

    var sequence: Int64
    var body: Body

    init(_ bytes: [UInt8]) throws {
        let fields = try Wire.fields(bytes)
        sequence = fields.int(1) ?? 0
        guard let (number, value) = fields.last(where: { $0.number > 30 }),
            case .bytes(let payload) = value
        else {
            body = .none
            return
        }
        // What the host answers is its own affair.
        guard number < 200 else {
            body = .host(number, payload)
            return
        }
        body = try Self.body(number, Wire.fields(payload))
    }

    private static func body(
        _ number: Int, _ fields: [(number: Int, value: Wire.Value)]
    ) throws -> Body {
        switch number {
        case 31: .error(failure(fields))
        case 32: .pong(fields.bytes(1) ?? [])
        case 33: .fetch(try batch(fields, offsets: 101))
        case 34: .listOffset(fields.int(1) ?? 0, timestamp: fields.int(101))
        case 101: .push(try push(fields))
        case 102: .unsubscribed(fields.int(1) ?? 0)
        case 103: .granted(fields.int(1) ?? 0, messages: fields.int(2), bytes: fields.int(3))
        case 104: .paused(fields.int(1) ?? 0, fields.int(2) == 1)
        case 105: .metadata(try fields.all(1).map(topic))
        case 110:
            .produced(try fields.all(1).map(produced), compared: fields.int(2) == 1)
        default: throw Wire.Broken()
        }
    }

    private static func produced(_ bytes: [UInt8]) throws -> Produced {
        let fields = try Wire.fields(bytes)
        return Produced(
            partition: fields.int(1) ?? 0, offset: fields.int(2) ?? 0,
            timestamp: fields.int(3) ?? 0,
            failure: try fields.bytes(4).map { failure(try Wire.fields($0)) })
    }

    private static func failure(_ fields: [(number: Int, value: Wire.Value)]) -> Failure {
        Failure(
            code: fields.int(1) ?? 0, message: fields.string(2) ?? "",
            retriable: fields.int(101) == 1, logStart: fields.int(102),
            highWatermark: fields.int(103), cause: fields.string(105),
            nextOffset: fields.int(106))
    }

    private static func batch(
        _ fields: [(number: Int, value: Wire.Value)], offsets: Int
    ) throws -> Batch {
        var batch = Batch()
        batch.records = try fields.all(1).map(record)
        batch.nextOffset = fields.int(offsets)
        batch.highWatermark = fields.int(offsets + 1)
        batch.logStart = fields.int(offsets + 2)
        batch.lastStable = fields.int(offsets + 3)
        return batch
    }

    private static func push(_ fields: [(number: Int, value: Wire.Value)]) throws -> Batch {
        var batch = try batch(fields, offsets: 4)
        batch.topic = fields.string(2) ?? ""
        batch.partition = fields.int(3) ?? 0
        batch.starts = try fields.all(8).map { bytes in
            let fields = try Wire.fields(bytes)
            return Start(
                topic: fields.string(1) ?? "", partition: fields.int(2) ?? 0,
                offset: fields.int(3) ?? 0, outcome: fields.int(4) ?? 0,
                reason: fields.string(5) ?? "")
        }
        batch.failure = try fields.bytes(9).map { failure(try Wire.fields($0)) }
        batch.skipped = try fields.bytes(18).map { bytes in
            let fields = try Wire.fields(bytes)
            return Skipped(
                offset: fields.int(1) ?? 0,
                failure: failure(try Wire.fields(fields.bytes(2) ?? [])))
        }
        return batch
    }

    private static func record(_ bytes: [UInt8]) throws -> Record {
        let fields = try Wire.fields(bytes)
        return Record(
            offset: fields.int(1) ?? 0, timestamp: fields.int(2) ?? 0, key: fields.bytes(3),
            value: fields.bytes(4),
            headers: try fields.all(101).map { bytes in
                let header = try Wire.fields(bytes)
                let value = header.bytes(2).map { "=" + String(decoding: $0, as: UTF8.self) }
                return (header.string(1) ?? "") + (value ?? "")
            })
    }

    private static func topic(_ bytes: [UInt8]) throws -> Topic {
        let fields = try Wire.fields(bytes)
        return Topic(
            name: fields.string(1) ?? "",
            partitions: try fields.all(2).map { try Wire.fields($0).int(1) ?? 0 },
            code: fields.int(3) ?? 0)
    }
}

extension Response {
    var failure: Failure? { if case .error(let failure) = body { failure } else { nil } }
    var results: [Produced]? {
        if case .produced(let results, _) = body { results } else { nil }
    }
    var offsets: [Int64]? { results?.map(\.offset) }
    var batch: Batch? {
        switch body {
        case .fetch(let batch), .push(let batch): batch
        default: nil
        }
    }
    var offset: Int64? { if case .listOffset(let offset, _) = body { offset } else { nil } }
}
