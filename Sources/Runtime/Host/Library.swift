/// What the library says about itself.
public enum Library {
    /// 0xMMmmpp.
    public static let version: UInt32 = 0x000100
    public static let versionText = "0.1.0"
}
