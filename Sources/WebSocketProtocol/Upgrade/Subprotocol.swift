/// The choice of a sub-protocol (RFC 6455 section 4.2.2).
public enum Subprotocol {
    /// The first of the client's names that we know. A single name that we don't know is
    /// confirmed, as pages that offer one rely on it; of several unknown ones none is, never
    /// the list.
    public static func choose(offered: [String], supported: [String]) -> String? {
        if let known = offered.first(where: supported.contains) { return known }
        return offered.count == 1 ? offered[0] : nil
    }
}
