// Placeholder until the first type of SASL lands.
