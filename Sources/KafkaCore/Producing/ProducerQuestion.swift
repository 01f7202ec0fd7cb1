/// What a producer asks of a broker beside Produce.
final class ProducerQuestion<Response: ThrottlingResponse>: WholeAnswerPurpose {
    private let then: (Response?) -> Void

    /// - Parameter then: gets the answer, or nil where none came.
    init(_ then: @escaping (Response?) -> Void) { self.then = then }

    func answered(_ response: Response, _ answer: Answer) { then(response) }
    func lost(_ failure: KafkaFailure) { then(nil) }
}
