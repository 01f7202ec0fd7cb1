import SASL

/// Who a cluster's client is to the brokers; of the settings' vocabulary.
public typealias SASLCredentials = SASL.SASLCredentials
