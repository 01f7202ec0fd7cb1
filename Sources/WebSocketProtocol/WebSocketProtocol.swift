// Placeholder until the first type of WebSocketProtocol lands.
