import Bytes
import KafkaProtocol
import Timing

/// What a request is sent for. It is answered or lost, once, and whoever sent it goes on there.
protocol RequestPurpose: AnyObject {
    associatedtype Response: ThrottlingResponse

    /// The connection ended before, or with an answer that nobody can read.
    func lost(_ failure: KafkaFailure)
    /// The broker has been silent for longer than the request allows.
    func late()
    /// Nobody waits for the answer any more.
    var isAbandoned: Bool { get }

    /// Reads the answer behind the response's header; what is kept of it keeps its bytes.
    func take(_ reader: inout ByteReader, _ answer: Answer) throws(KafkaFailure)
}

/// One whose answer is read as a whole.
protocol WholeAnswerPurpose: RequestPurpose {
    // As above; told again so that it is inferred from `answered`.
    associatedtype Response

    func answered(_ response: Response, _ answer: Answer)
    /// Implemented below, once for all of them; a requirement, so that each gets code of its own.
    func take(_ reader: inout ByteReader, _ answer: Answer) throws(KafkaFailure)
}

/// Beside the response itself.
struct Answer {
    let request: Pipeline.Request
    let connection: BrokerConnection
    /// In whose bytes the response's records lie.
    let frame: FrameAssembler.Frame

    var sentAt: Instant { request.sentAt }
    /// It came after the broker was given up for silent: others may know better by now.
    var wasLate: Bool { request.wasLate }
}

extension RequestPurpose {
    func late() {}
    var isAbandoned: Bool { false }
}

extension WholeAnswerPurpose {
    func take(_ reader: inout ByteReader, _ answer: Answer) throws(KafkaFailure) {
        let connection = answer.connection
        let response = try connection.decode(Response.self, &reader, answer.request)
        connection.noteAnswer(
            throttle: response.throttleTimeMilliseconds,
            isOurs: answer.request.version >= Response.clientWaitsFrom)
        answered(response, answer)
    }
}

/// A response with which a broker may ask for a pause.
protocol ThrottlingResponse: JudgedResponse {
    var throttleTimeMilliseconds: Int32 { get }
    /// KIP-219: from this version on the broker answers first, and the client keeps to the pause;
    /// before, the broker has waited itself.
    static var clientWaitsFrom: Int16 { get }
}

extension MetadataResponse: ThrottlingResponse {
    static var clientWaitsFrom: Int16 { 6 }
}

extension ListOffsetsResponse: ThrottlingResponse {
    static var clientWaitsFrom: Int16 { 3 }
}

extension ProduceResponse: ThrottlingResponse {
    static var clientWaitsFrom: Int16 { 6 }
}

extension FetchResponse: ThrottlingResponse {
    static var clientWaitsFrom: Int16 { 8 }
}

extension ApiVersionsResponse: ThrottlingResponse {
    static var clientWaitsFrom: Int16 { 2 }
}

extension InitProducerIdResponse: ThrottlingResponse {
    static var clientWaitsFrom: Int16 { 1 }
}

extension FindCoordinatorResponse: ThrottlingResponse {
    static var clientWaitsFrom: Int16 { 2 }
}

extension AddPartitionsToTxnResponse: ThrottlingResponse {
    static var clientWaitsFrom: Int16 { 1 }
}

extension EndTxnResponse: ThrottlingResponse {
    static var clientWaitsFrom: Int16 { 1 }
}
