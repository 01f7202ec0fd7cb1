/// What the library says about itself.
public enum Library {
    /// 0xMMmmpp.
    public static let version: UInt32 = 0x000100
    public static let versionText = text(version)

    /// Whether a host that was compiled against a header of that version may go on. Until 1.0 a
    /// change of the middle number may break it; a later last number means functions that this
    /// library does not have.
    public static func check(header: UInt32) throws(Failure) {
        guard header >> 8 == version >> 8, header <= version else {
            throw Failure(
                .unsupported,
                "this program was compiled for libpubsubgw \(text(header)), and \(versionText) was"
                    + " loaded")
        }
    }

    private static func text(_ version: UInt32) -> String {
        "\(version >> 16).\(version >> 8 & 0xff).\(version & 0xff)"
    }
}
