/// Whether eight bytes hold one that a JSON string cannot show as it is or that begins a longer
/// sequence: a control character, a quote, a backslash, or one above 0x7f.
@inlinable
func needsCare(_ eight: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    let quote = eight ^ (ones &* 0x22)
    let backslash = eight ^ (ones &* 0x5c)
    // A borrow may mark bytes above one that is truly marked; never a byte alone.
    let marked =
        (eight &- ones &* 0x20) & ~eight | (quote &- ones) & ~quote
        | (backslash &- ones) & ~backslash | eight
    return marked & highs != 0
}
