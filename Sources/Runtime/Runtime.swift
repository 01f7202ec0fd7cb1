// Placeholder until the first type of Runtime lands.
