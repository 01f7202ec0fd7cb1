import SASL

/// Who a cluster's client is to the brokers; of the settings' vocabulary.
public typealias SASLCredentials = SASL.SASLCredentials
/// Where a password, a token, a key or a certificate is written.
public typealias SecretFile = SASL.SecretFile
