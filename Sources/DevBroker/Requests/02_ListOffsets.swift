import KafkaMirror
import KafkaProtocol

/// ListOffsets, with every special timestamp that a version knows.
extension BrokerCluster {
    private enum Special {
        static let latest: Int64 = -1
        static let earliest: Int64 = -2
        static let maxTimestamp: Int64 = -3
        static let earliestLocal: Int64 = -4
        static let latestTiered: Int64 = -5
        static let earliestPendingUpload: Int64 = -6
    }

    func listOffsets(_ request: ListOffsetsRequest, _ context: RequestContext) -> Outcome {
        var response = ListOffsetsResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        let committed = request.isolationLevel == 1
        response.topics = request.topics.map { topic in
            .init(
                name: topic.name,
                partitions: topic.partitions.map {
                    listOffset($0, of: topic.name, committed: committed, context)
                })
        }
        return context.reply(response)
    }

    private func listOffset(
        _ asked: ListOffsetsRequest.Partition, of name: String, committed: Bool,
        _ context: RequestContext
    ) -> ListOffsetsResponse.Partition {
        var answer = ListOffsetsResponse.Partition(partitionIndex: asked.partitionIndex)
        do throws(KafkaError) {
            let epoch = context.version >= 4 ? asked.currentLeaderEpoch : -1
            let partition = try led(name, asked.partitionIndex, epoch: epoch, context)
            let found = try look(partition, asked.timestamp, committed, context.version)
            if context.version == 0 {
                answer.oldStyleOffsets = oldStyle(found.offset, partition, asked)
            } else {
                answer.timestamp = found.timestamp
                answer.offset = found.offset
                // Release 2.1 has the field, but never fills it.
                let hasEpoch = found.offset >= 0 && settings.profile != .kafka2_1
                answer.leaderEpoch = hasEpoch ? found.epoch : -1
            }
        } catch {
            answer.errorCode = error.rawValue
        }
        return answer
    }

    private func look(
        _ partition: Partition, _ timestamp: Int64, _ committed: Bool, _ version: Int16
    ) throws(KafkaError) -> (timestamp: Int64, offset: Int64, epoch: Int32) {
        let log = partition.log
        switch timestamp {
        case Special.latest:
            let end = partition.end(committed: committed)
            return (-1, end, partition.leaderEpoch)
        case Special.earliest:
            return (-1, log.startOffset, epoch(partition, at: log.startOffset))
        case Special.earliestLocal where version >= 8:
            return (-1, log.startOffset, epoch(partition, at: log.startOffset))
        case Special.latestTiered where version >= 9:
            // Nothing is tiered.
            return (-1, -1, -1)
        case Special.earliestPendingUpload where version >= 11:
            return (-1, -1, -1)
        case Special.maxTimestamp where version >= 7:
            return found(partition, partition.largestTimestamp())
        case 0...:
            let end = partition.end(committed: committed)
            let hit = partition.first(atOrAfter: timestamp)
            return found(partition, hit.flatMap { $0.offset < end ? $0 : nil })
        default:
            throw .unsupportedVersion
        }
    }

    private func found(
        _ partition: Partition, _ hit: (timestamp: Int64, offset: Int64)?
    ) -> (timestamp: Int64, offset: Int64, epoch: Int32) {
        guard let hit else { return (-1, -1, -1) }
        return (hit.timestamp, hit.offset, epoch(partition, at: hit.offset))
    }

    /// The epoch of a record; of an empty log the leader's own.
    private func epoch(_ partition: Partition, at offset: Int64) -> Int32 {
        let epoch = partition.epochs.epoch(at: offset)
        return epoch >= 0 ? epoch : partition.leaderEpoch
    }

    /// Version 0 asked for a list of segment starts, newest first; here a log is one segment.
    private func oldStyle(
        _ offset: Int64, _ partition: Partition, _ asked: ListOffsetsRequest.Partition
    ) -> [Int64] {
        guard offset >= 0, asked.maxNumOffsets > 0 else { return [] }
        let start = partition.log.startOffset
        let all = asked.timestamp == Special.latest && offset != start ? [offset, start] : [offset]
        return Array(all.prefix(Int(asked.maxNumOffsets)))
    }
}
