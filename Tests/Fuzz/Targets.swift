/// All targets, in the order in which they run.
enum Targets {
    static let all: [FuzzTarget] =
        decompressionTargets + base64Targets + jsonTargets + pubSubTargets + webSocketTargets
        + saslTargets + kafkaMessageTargets + kafkaRecordTargets + hostTargets
}
