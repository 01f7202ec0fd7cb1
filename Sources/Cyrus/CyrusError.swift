/// Why Kerberos, or the library in front of it, does not go on. For logs; it holds no secret.
public struct CyrusError: Error, Equatable, Sendable {
    public let text: String

    init(_ text: String) { self.text = text }

    static let missing = CyrusError(
        "GSSAPI needs libsasl2.so.2 and its GSSAPI plug-in (Debian: libsasl2-2,"
            + " libsasl2-modules-gssapi-mit)")
}
