// Placeholder until the first type of GatewayCore lands.
