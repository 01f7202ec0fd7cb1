// Placeholder until the first type of PubSubProtocol lands.
