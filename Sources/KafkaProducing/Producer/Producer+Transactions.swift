import Timing

extension Producer {
    // MARK: The caller

    /// Asks for the transactional id's place; `initialized` comes. Every call answers why it cannot
    /// be, or nil. `late` comes where that takes too long
    /// (`ProducerSettings.blockMillisecondsMax`).
    public func initializeTransactions(now: Instant) -> ProduceFailure? {
        ask(now) { $0.initialize(now: now) }
    }

    public func beginTransaction(now: Instant) -> ProduceFailure? { ask(now) { $0.begin() } }

    /// Sends what waits first; `committed` comes when all of it is stored and the coordinator has
    /// said so, `broken` if something is not.
    public func commitTransaction(now: Instant) -> ProduceFailure? {
        let refusal = ask(now) { $0.end(commits: true, now: now) }
        if refusal == nil { sealEverything() }
        return refusal
    }

    /// Nothing more is sent; `aborted` comes when what is on its way is answered, and the
    /// coordinator has said so.
    public func abortTransaction(now: Instant) -> ProduceFailure? {
        let refusal = ask(now) { $0.end(commits: false, now: now) }
        if let failure = transactions?.abortion, refusal == nil {
            failUnsent(failure)
            pursueTransaction(now)
        }
        return refusal
    }

    private func ask(
        _ now: Instant, _ body: (inout Transactions) -> ProduceFailure?
    ) -> ProduceFailure? {
        if let failure { return failure }
        guard transactions != nil else {
            return ProduceFailure(.invalid, "the producer has no transactional.id")
        }
        defer { pursueTransaction(now) }
        return transactions.flatMap { transactions in
            var changed = transactions
            defer { self.transactions = changed }
            return body(&changed)
        }
    }

    // MARK: Brokers

    /// Whether the cluster's finalized features and versions allow transactions of the second kind
    /// (KIP-890). Counts from the next transaction on.
    public func brokersHaveTransactionsV2(_ haveThem: Bool) {
        transactions?.brokersHaveV2 = haveThem
    }

    /// Whether the transaction that is open is of the second kind.
    public var isInTransactionV2: Bool { transactions?.isV2 ?? false }

    /// Only InitProducerId with id and epoch (version 3) tells whether another one has the id:
    /// without them it would be taken from that.
    public var mayBeFenced: Bool { transactions?.mayBeFenced ?? false }

    /// A leader does not speak the versions for them: what is open can only be aborted, and the
    /// next one is of the first kind.
    public func leaderLacksTransactionsV2() {
        brokersHaveTransactionsV2(false)
        breakTransaction(
            ProduceFailure(
                .aborted, code: .unsupportedVersion,
                "a leader does not take part in transactions of version 2 (KIP-890)"))
    }

    public func transactionAnswered(_ answer: TransactionAnswer, now: Instant) {
        take(transactions?.answered(answer, now: now, &random))
        relistEverything(now)
        pursueTransaction(now)
    }

    public func transactionLost(now: Instant) {
        transactions?.lost(now, &random)
        pursueTransaction(now)
    }

    /// The connection to it has ended.
    public func coordinatorLost() { transactions?.lostCoordinator() }

    // MARK: The producer

    /// Nothing of the transaction waits or is on its way.
    var isQuiet: Bool { !hasRecords }

    func expireTransaction(_ now: Instant) { take(transactions?.expire(now)) }

    func pursueTransaction(_ now: Instant) {
        guard failure == nil, transactions != nil else { return }
        if let outcome = transactions?.missed() { effects.append(.transaction(outcome)) }
        if let outcome = transactions?.settleEmpty(isQuiet: isQuiet) { take(outcome) }
        guard let request = transactions?.next(isQuiet: isQuiet, now: now) else { return }
        effects.append(.transactionRequest(request))
    }

    /// Nothing more comes, and what there is, is waited for.
    var isCommitting: Bool { transactions?.phase == .ending(commits: true) }

    /// Whether batches of the partition may be sent; if not, it is enrolled first.
    func isEnrolled(_ queue: PartitionQueue) -> Bool {
        transactions?.mayHaveRecords(
            TransactionPartition(topic: queue.topic.name, partition: queue.index)) ?? true
    }

    /// Records of the transaction were not delivered: the others must not be seen.
    func breakTransaction(_ failure: ProduceFailure) {
        take(transactions?.breakOff(failure))
    }

    private func take(_ outcome: TransactionOutcome?) {
        guard let outcome else { return }
        if let told = transactions?.tell(outcome) { effects.append(.transaction(told)) }
        switch outcome {
        case .initialized, .committed, .aborted, .late: break
        case .broken(let failure):
            var failure = failure
            failure.reason = .aborted
            failUnsent(failure)
        case .failed(let failure):
            // What has failed before it began may be tried again.
            if transactions?.phase == .failed(failure) { shutDown(failure) }
        }
    }

    private func failUnsent(_ failure: ProduceFailure) {
        for topic in topicOrder {
            failUnplaced(topic, failure)
            for queue in topic.queues { failUnsent(of: queue, failure) }
        }
    }

    private func relistEverything(_ now: Instant) {
        for topic in topicOrder { for queue in topic.queues { relist(queue, now) } }
    }
}
