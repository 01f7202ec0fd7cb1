import Bytes
import Digests

/// What base64 accepts is what an encoder writes.
let base64Targets = [
    FuzzTarget("base64", seeds: ["", "Zg==", "Zm8=", "Zm9vYmFy"].map { Array($0.utf8) }) { text in
        guard let bytes = base64Decode(text) else { return }
        require(Array(base64Encode(bytes).utf8) == Array(text), "not what an encoder writes")
    }
]
