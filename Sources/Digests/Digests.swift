// Placeholder until the first type of Digests lands.
