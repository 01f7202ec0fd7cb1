// Placeholder until the first type of KafkaMirror lands.
