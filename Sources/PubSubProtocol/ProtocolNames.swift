/// Names that the protocol has taken: commands of hosts must differ from them.
public enum ProtocolNames {
    /// Keys of `PubSubReq` in JSON.
    public static let request = Set(PubSubRequest.fields.map(\.jsonName))

    /// Keys of `PubSubResp` in JSON.
    public static let reply: Set<String> = [
        "sequence", "errorResp", "pongResp", "kafkaFetchResp", "kafkaListOffsetResp",
        "subscribeResp", "unsubscribeResp", "grantResp", "pauseResp", "metadataResp",
        "produceResp",
    ]

    /// lowerCamelCase of a field's name, as proto3 JSON makes it.
    public static func camelCase(_ name: String) -> String { Field.camelCase(name) }
}
