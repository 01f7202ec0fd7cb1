// Placeholder until the first type of KafkaProtocol lands.
