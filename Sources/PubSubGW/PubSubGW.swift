import CPubSubGW

@c @implementation public func pubsubgw_version() -> UInt32 { 0x000100 }
