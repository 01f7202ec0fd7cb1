import CShims

/// The calling thread's last failure, as `pubsubgw_last_error` gives it.
public enum LastError {
    public static func set(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                guard let base = characters.baseAddress else { return cshims_last_error_set("", 0) }
                cshims_last_error_set(base, characters.count)
            }
        }
    }

    /// Valid until this thread's next `set`.
    public static var pointer: UnsafePointer<CChar> { cshims_last_error() }
}
