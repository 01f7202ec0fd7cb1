import Bytes
import KafkaProtocol
import Timing

extension Producer {
    /// A broker has answered. What it does not tell of is taken for lost.
    public func answered(_ id: ProduceRequestID, _ answers: [ProduceAnswer], now: Instant) {
        guard let request = requests.removeValue(forKey: id) else { return }
        nodes.ended(request.node)
        for batch in request.batches { batch.wasAnswered() }
        var next = 0
        for batch in request.batches {
            // Brokers keep our order, mostly.
            if next >= answers.count || !batch.isMeant(by: answers[next]) {
                next = answers.firstIndex { batch.isMeant(by: $0) } ?? answers.count
            }
            if next < answers.count {
                settle(batch, answers[next], from: request.node, now)
                next += 1
            } else {
                lose(batch, now)
            }
        }
        goOn(request.batches, now)
    }

    /// The request got no answer: its connection has ended, or the broker was silent. `wasSent`:
    /// whether any of it may have left.
    public func lost(_ id: ProduceRequestID, wasSent: Bool = true, now: Instant) {
        guard let request = requests.removeValue(forKey: id) else { return }
        nodes.ended(request.node)
        for batch in request.batches { batch.wasAnswered() }
        for batch in request.batches {
            batch.queue.lostWay()
            if wasSent { lose(batch, now) } else { retry(batch, now) }
        }
        goOn(request.batches, now)
    }

    /// What is not done is sent again, but for that of a transaction that is aborted.
    private func goOn(_ batches: [ProducerBatch], _ now: Instant) {
        for batch in batches {
            if let failure = transactions?.abortion {
                if !batch.isDone { abandon(batch, failure) }
                // What it was divided into.
                failUnsent(of: batch.queue, failure)
            }
            relist(batch.queue, now)
        }
    }

    private func abandon(_ batch: ProducerBatch, _ failure: ProduceFailure) {
        _ = batch.queue.gaveUp(batch, isStored: nil)
        fail([batch], failure)
    }

    private func lose(_ batch: ProducerBatch, _ now: Instant) {
        guard !batch.isDone else { return }
        batch.mayBeStored = true
        retry(batch, now)
        effects.append(.metadataNeeded(topic: batch.queue.topic.name))
    }

    // MARK: One batch

    private func settle(
        _ batch: ProducerBatch, _ answer: ProduceAnswer, from node: Int32, _ now: Instant
    ) {
        let queue = batch.queue
        if let leader = answer.leader { follow(leader, queue, now) }
        guard !batch.isDone else { return }
        let error = KafkaError(answer.code)
        if error == .none || error == .duplicateSequenceNumber {
            return arrive(batch, answer, isDuplicate: error != .none, now)
        }
        let context = ProduceVerdict.Context(
            isIdempotent: settings.isIdempotent, isTransactional: transactions != nil,
            recordCount: batch.recordCount, wasSignedAgain: batch.wasSignedAgain,
            mayStillArrive: queue.isUnresolved && batch.mayBeStored,
            logStartOffset: answer.logStartOffset, lastOffset: queue.lastOffset)
        let verdict = ProduceVerdict(error, context)
        if case .resend(let how) = verdict, how.mayBeStored { batch.mayBeStored = true }
        // What a later batch is answered follows from the first one's fate, and what a batch is
        // answered that has another place by now is of the past.
        if settings.isIdempotent, !queue.isFirst(batch) || batch.wasMoved { return }
        perform(verdict, batch, answer, from: node, now)
    }

    private func arrive(
        _ batch: ProducerBatch, _ answer: ProduceAnswer, isDuplicate: Bool, _ now: Instant
    ) {
        let queue = batch.queue
        let offset = isDuplicate ? -1 : answer.baseOffset
        let wasMoved = batch.wasMoved
        queue.arrived(batch, offset: offset)
        report(batch, .delivered(baseOffset: offset, logAppendTime: answer.logAppendTime))
        // The broker counts on from where this one stood, and we do not.
        if settings.isIdempotent && wasMoved { bump(queue, mayHaveLost: false) }
    }

    private func perform(
        _ verdict: ProduceVerdict, _ batch: ProducerBatch, _ answer: ProduceAnswer,
        from node: Int32, _ now: Instant
    ) {
        let queue = batch.queue
        switch verdict {
        case .delivered: break
        case .resend(let how):
            let knowsBetter = queue.leader >= 0 && queue.leader != node
            if how.asksLeader && !knowsBetter {
                effects.append(.metadataNeeded(topic: queue.topic.name))
            }
            retry(batch, now, answer, elsewhere: how.asksLeader && knowsBetter)
        case .signAgain:
            batch.signAgain()
            retry(batch, now, answer)
        case .split: split(batch, now)
        case .failRecords: failRecords(batch, answer, now)
        case .bump(let mayHaveLost): bump(queue, mayHaveLost: mayHaveLost)
        case .fail(let reason): fail(batch, reason, answer, now)
        case .failAndBump:
            fail(batch, .kafka, answer, now)
            bump(queue, mayHaveLost: false)
        case .abort:
            if KafkaError(answer.code) == .invalidProducerEpoch { transactions?.noteOldEpoch() }
            fail(batch, .aborted, answer, now)
        case .restart:
            if let identity { queue.restart(identity) }
        case .fatal(let reason): shutDown(failure(reason, batch, answer))
        }
    }

    /// Again, after a pause, unless it was tried often enough.
    private func retry(
        _ batch: ProducerBatch, _ now: Instant, _ answer: ProduceAnswer? = nil,
        elsewhere: Bool = false
    ) {
        let queue = batch.queue
        // With a sequence, one that may be stored cannot be given up: the next would be taken for
        // it.
        let mayStop = !(settings.isIdempotent && batch.mayBeStored)
        if mayStop, batch.attempts > settings.retriesMax {
            guard let answer else {
                giveUp(batch, isStored: batch.mayBeStored ? nil : false)
                return report(
                    batch,
                    .failed(
                        ProduceFailure(
                            .unavailable, "the connection to the broker was lost",
                            mayBeStored: batch.mayBeStored)))
            }
            return fail(batch, .kafka, answer, now)
        }
        if elsewhere {
            queue.pace.delayButFirst(from: now, &random)
        } else {
            queue.pace.delay(from: now, &random)
        }
    }

    func fail(
        _ batch: ProducerBatch, _ reason: ProduceFailure.Reason, _ answer: ProduceAnswer,
        _ now: Instant
    ) {
        giveUp(batch, isStored: batch.mayBeStored ? nil : false)
        report(batch, .failed(failure(reason, batch, answer)))
    }

    func giveUp(_ batch: ProducerBatch, isStored: Bool?) {
        guard batch.queue.gaveUp(batch, isStored: isStored) else { return }
        bump(batch.queue, mayHaveLost: false)
    }

    private func failure(
        _ reason: ProduceFailure.Reason, _ batch: ProducerBatch, _ answer: ProduceAnswer
    ) -> ProduceFailure {
        let error = KafkaError(answer.code)
        var text = error.name
        if error == .messageTooLarge { text += ": the batch has \(batch.byteCount) bytes" }
        if let told = answer.text { text += ": \(told)" }
        return ProduceFailure(reason, code: error, text, mayBeStored: batch.mayBeStored)
    }
}

extension ProducerBatch {
    fileprivate func isMeant(by answer: ProduceAnswer) -> Bool {
        queue.index == answer.partition && queue.topic.name == answer.topic
    }
}
