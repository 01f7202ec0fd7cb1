// Placeholder until the first type of KafkaCore lands.
