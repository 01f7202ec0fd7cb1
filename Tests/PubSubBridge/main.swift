// A line in, a line out: lets Tests/check-pubsub put our codecs beside Google's.
//
//   request FORMAT HEX    decodes a request          -> JSON of what was understood
//   reply FORMAT JSON     writes the reply described  -> hexadecimal bytes
//   batch FORMAT JSON     writes head and records     -> hexadecimal bytes
//   transcode FORMAT HEX  records as protobuf         -> JSON list, or `error`
//   json HEX              parses and writes a text    -> hexadecimal bytes, or `error ...`
//   int64 TEXT            a number                    -> its value, or `none`

while let line = readLine() {
    let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        .map(String.init)
    let argument = words.count > 2 ? words[2] : ""
    switch words[0] {
    case "request": print(understood(hexDecoded(argument), format(words[1])))
    case "reply": print(hexEncoded(reply(argument, format(words[1]))))
    case "batch": print(hexEncoded(batch(argument, format(words[1]))))
    case "transcode": print(transcoded(hexDecoded(argument), format(words[1])))
    case "json": print(rewritten(hexDecoded(words[1])))
    case "int64": print(integer(words[1]))
    default: fatalError("unknown verb \(words[0])")
    }
}
