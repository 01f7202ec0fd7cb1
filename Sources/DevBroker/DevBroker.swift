// Placeholder until the first type of DevBroker lands.
