extension GatewayEngine {
    /// Whether a little input of the session costs little: nothing is packed or unpacked, and
    /// neither side waits for the other.
    public func isLight(_ id: SessionID) -> Bool {
        guard let session = sessions[id] else { return false }
        return session.phase == .open && session.deflate == nil && session.heldInput == nil
            && !session.isHeld && !session.isBlocked
    }
}
