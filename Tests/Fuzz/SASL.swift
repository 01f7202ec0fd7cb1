import Digests
import SASL

/// Logins: whatever the other side says is taken or refused, and nobody gets in who does not know
/// the password. An input is the mechanism's number, then messages with `separator` in between.
let saslTargets = [
    FuzzTarget("sasl-client", seeds: serverTalk()) { bytes in
        guard let talk = Talk(bytes) else { return }
        login(talk)
    },
    FuzzTarget("sasl-token", seeds: tokenTalk) { bytes in answerTokens(bytes) },
    FuzzTarget("sasl-server", seeds: clientTalk) { bytes in
        guard let talk = Talk(bytes) else { return }
        serve(talk)
    },
]

private let name = "us=er,"
private let password = "pencil-of-the-user"
private let escapedName = "us=3Der=2C"
private let clientNonce = "fyko+d2lbbFgONRv9qkxdawL"
private let serverNonce = "3rfcNHYJY1ZVvWVs7j"
/// PLAIN separates its parts by NUL.
private let separator: UInt8 = 0xff

private struct Talk {
    let mechanism: SASLMechanism
    let messages: [[UInt8]]

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.first else { return nil }
        mechanism = SASLMechanism.ofPasswords[Int(first) % SASLMechanism.ofPasswords.count]
        messages = bytes.dropFirst().split(separator: separator, omittingEmptySubsequences: false)
            .prefix(8).map { Array($0) }
    }

    static func bytes(_ mechanism: SASLMechanism, _ messages: [UInt8]...) -> [UInt8] {
        let number = SASLMechanism.ofPasswords.firstIndex(of: mechanism) ?? 0
        return [UInt8(number)] + Array(messages.joined(separator: [separator]))
    }
}

// MARK: What RFC 5802 says, once more

private func sum(_ algorithm: DigestAlgorithm, _ data: [UInt8]) -> [UInt8] {
    switch algorithm {
    case .sha256: sha256(data)
    case .sha512: sha512(data)
    }
}

/// The proof of who knows the password.
private func proof(
    _ algorithm: DigestAlgorithm, salted: [UInt8], _ authMessage: [UInt8]
) -> [UInt8] {
    let key = hmac(algorithm, key: salted, data: Array("Client Key".utf8))
    return zip(key, hmac(algorithm, key: sum(algorithm, key), data: authMessage)).map { $0 ^ $1 }
}

private func signature(
    _ algorithm: DigestAlgorithm, salted: [UInt8], _ authMessage: [UInt8]
) -> [UInt8] {
    let key = hmac(algorithm, key: salted, data: Array("Server Key".utf8))
    return hmac(algorithm, key: key, data: authMessage)
}

private func decoded(_ text: some Sequence<UInt8>) -> [UInt8]? {
    Array(text).withUnsafeBytes { base64Decode($0) }
}

// MARK: The client

/// As if the password's derivation had come to this: the real one takes milliseconds.
private let salted = [UInt8](repeating: 7, count: 32)
private let firstBare = Array("n=\(escapedName),r=\(clientNonce)".utf8)

private func serverTalk() -> [[UInt8]] {
    let first = Array("r=\(clientNonce)\(serverNonce),s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".utf8)
    let final = Array("c=biws,r=\(clientNonce)\(serverNonce)".utf8)
    let authMessage = firstBare + [0x2c] + first + [0x2c] + final
    let good = SASLMechanism.ofPasswords.map { mechanism in
        guard let algorithm = mechanism.digest else { return Talk.bytes(mechanism, [], []) }
        let text = base64Encode(signature(algorithm, salted: salted, authMessage))
        return Talk.bytes(mechanism, first, Array("v=\(text)".utf8), [])
    }
    let bad = ["e=other-error", "m=x,r=\(clientNonce)1", "r=\(clientNonce)1,s=AA==,i=9999999"].map {
        Talk.bytes(.scramSHA512, Array($0.utf8))
    }
    return good + bad
}

private func login(_ talk: Talk) {
    let credentials = SASLCredentials(
        mechanism: talk.mechanism, username: name, password: password)
    var client = Login(credentials, host: "h", NonceSource(fixed: Array(clientNonce.utf8)))
    guard case .send(let start)? = try? client.take(.begin) else {
        fatalError("the first message is refused")
    }
    require(talk.mechanism == .plain || start == Array("n,,".utf8) + firstBare, "\(start)")
    var authMessage: [UInt8]?
    var isDone = false
    for message in talk.messages {
        do throws(SASLError) {
            switch try client.take(.token(message)) {
            case .send: fatalError("nobody asked for more")
            case .work(.derive(let work)):
                check(work, talk.mechanism)
                guard case .send(let final) = try client.take(.worked(.key(salted))) else {
                    fatalError("no message to prove it")
                }
                authMessage = firstBare + [0x2c] + message + [0x2c] + check(final, talk.mechanism)
            case .work: fatalError("nothing else is to be done")
            case .finished:
                require(!isDone, "done twice")
                isDone = true
                checkEnd(talk.mechanism, message, authMessage)
            }
        } catch {
            require(!error.description.contains(password), "an error tells the password")
        }
    }
}

private func check(_ work: ScramDerivation, _ mechanism: SASLMechanism) {
    require(ScramLimits.iterations.contains(work.iterations), "\(work.iterations) iterations")
    require(work.mechanism == mechanism && !work.salt.isEmpty, "\(work)")
    require(work.password == Array(password.utf8), "another password")
}

/// Answers the message without its proof.
private func check(_ final: [UInt8], _ mechanism: SASLMechanism) -> [UInt8] {
    let parts = final.split(separator: 0x2c, omittingEmptySubsequences: false)
    require(parts.count == 3 && parts[0].elementsEqual("c=biws".utf8), "\(final)")
    require(parts[1].starts(with: "r=\(clientNonce)".utf8), "\(final)")
    require(parts[2].starts(with: "p=".utf8), "\(final)")
    return Array(final[..<parts[1].endIndex])
}

/// A server that has not proved that it knows the password is no server of ours.
private func checkEnd(_ mechanism: SASLMechanism, _ message: [UInt8], _ authMessage: [UInt8]?) {
    guard let algorithm = mechanism.digest else { return }
    guard let authMessage else { fatalError("done before the proof") }
    let value = message.split(separator: 0x2c).first?.dropFirst(2) ?? []
    require(
        decoded(value) == signature(algorithm, salted: salted, authMessage),
        "a wrong signature is taken")
}

// MARK: Tokens

private let bearerToken = "eyJ.token-of-the-user."
private let challenge = #"{"status":"invalid_token","scope":"kafka"}"#

/// A mechanism's number, then the server's messages and, for GSSAPI, the library's in turn.
private let tokenTalk: [[UInt8]] = [
    [0], [0] + Array(challenge.utf8), [0] + Array(challenge.utf8) + [separator],
    [0] + Array("no \(bearerToken)".utf8) + [separator, separator],
    [1, 1, separator, 2, separator, separator, 3, separator, 4],
    [2] + Array("password".utf8), [3] + Array(bearerToken.utf8) + [separator],
]

private func answerTokens(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let file = SecretFile(path: "/f", key: "password_file")
    let credentials: [SASLCredentials] = [
        .bearer(BearerCredentials(token: .secret(.value(bearerToken)))),
        .kerberos(service: "kafka"),
        .password(
            PasswordCredentials(mechanism: .plain, username: name, password: .file(file))),
        .bearer(BearerCredentials(token: .host("idp"))),
    ]
    var login = Login(
        credentials[Int(first) % credentials.count], host: "broker", NonceSource(fixed: [0x41]))
    let messages = bytes.dropFirst().split(
        separator: separator, maxSplits: 40, omittingEmptySubsequences: false
    ).map { [UInt8]($0) }
    do throws(SASLError) {
        var step = try login.take(.begin)
        for message in messages {
            let isWork: Bool
            switch step {
            case .work(let work):
                isWork = true
                step = try login.take(.worked(result(of: work, message)))
            case .send:
                isWork = false
                step = try login.take(.token(message))
            case .finished: return
            }
            if step == .finished {
                require(!isWork && (message.isEmpty || first % 4 == 2), "done before the answer")
            }
        }
    } catch {
        // Another login's token is a text as any other, and servers may say it.
        let isOurs = Int(first) % credentials.count == 0
        let tells = isOurs && error.description.contains(bearerToken)
        require(!tells || login.isToldBy(error.description), "an error tells the token")
    }
}

private func result(of work: LoginWork, _ message: [UInt8]) -> LoginWork.Result {
    switch work {
    case .derive: .key(message)
    case .read: .secret(String(decoding: message, as: UTF8.self))
    case .token:
        .token(BearerToken(value: String(decoding: message, as: UTF8.self)))
    case .gssapi: .gssapi(message, isComplete: (message.first ?? 0) & 1 == 0)
    }
}

// MARK: The server

private let users: SASLUsers = {
    var users = SASLUsers()
    users.add(name, password: password)
    return users
}()

/// The salted passwords, by mechanism: one derivation each.
nonisolated(unsafe) private var derived: [SASLMechanism: [UInt8]] = [:]

/// Stands for the right proof, which no fuzzer finds.
private let rightProof = Array(",p=!".utf8)

private let clientTalk: [[UInt8]] =
    [
        Talk.bytes(.plain, [0] + Array(name.utf8) + [0] + Array(password.utf8), []),
        Talk.bytes(.plain, Array("\(name)\0\(name)\0\(password)".utf8)),
        Talk.bytes(.plain, Array("other\0\(name)\0\(password)".utf8)),
    ]
    + [SASLMechanism.scramSHA256, .scramSHA512].map {
        Talk.bytes(
            $0, Array("n,,".utf8) + firstBare,
            Array("c=biws,r=\(clientNonce)\(serverNonce)".utf8) + rightProof, [])
    }

private func serve(_ talk: Talk) {
    var server = SASLServer(
        talk.mechanism, users: users, NonceSource(fixed: Array(serverNonce.utf8)))
    var challenge: (first: [UInt8], answer: [UInt8])?
    var isDone = false
    for var message in talk.messages {
        let authMessage = challenge.map { exchange($0.first, $0.answer, message) } ?? []
        let right = challenge.map { proof(of: talk.mechanism, to: $0.answer, authMessage) } ?? []
        if !right.isEmpty, message.suffix(4).elementsEqual(rightProof) {
            message = message.dropLast() + Array(base64Encode(right).utf8)
        }
        do throws(SASLError) {
            switch try server.receive(message) {
            case .challenge(let answer):
                require(challenge == nil, "a second challenge")
                challenge = (message, answer)
            case .done(let user, _):
                require(!isDone && user == name, "done twice, or as \(user)")
                isDone = true
                checkEntrance(talk.mechanism, message, right)
            }
        } catch {
            require(!error.description.contains(password), "an error tells the password")
        }
    }
}

/// `bare,challenge,final-without-proof`.
private func exchange(_ first: [UInt8], _ answer: [UInt8], _ final: [UInt8]) -> [UInt8] {
    let bare = first.split(separator: 0x2c, maxSplits: 2, omittingEmptySubsequences: false)
    let end = final.lastIndex(of: 0x2c) ?? final.endIndex
    return Array(bare.last ?? []) + [0x2c] + answer + [0x2c] + final[..<end]
}

private func proof(
    of mechanism: SASLMechanism, to answer: [UInt8], _ authMessage: [UInt8]
) -> [UInt8] {
    guard let algorithm = mechanism.digest else { return [] }
    if derived[mechanism] == nil {
        // r=...,s=SALT,i=COUNT
        let parts = answer.split(separator: 0x2c)
        guard let salt = decoded(parts[parts.count - 2].dropFirst(2)),
            let count = Int(String(decoding: parts[parts.count - 1].dropFirst(2), as: UTF8.self))
        else { fatalError("a challenge without salt or iterations") }
        derived[mechanism] = pbkdf2(
            algorithm, password: Array(password.utf8), salt: salt, iterations: count)
    }
    return proof(algorithm, salted: derived[mechanism] ?? [], authMessage)
}

private func checkEntrance(_ mechanism: SASLMechanism, _ message: [UInt8], _ right: [UInt8]) {
    guard mechanism != .plain else {
        let parts = message.split(separator: 0, omittingEmptySubsequences: false)
        require(parts.count == 3, "PLAIN has three parts")
        require(parts[0].isEmpty || parts[0].elementsEqual(name.utf8), "as somebody else")
        require(parts[1].elementsEqual(name.utf8), "another name")
        require(parts[2].elementsEqual(password.utf8), "a wrong password is taken")
        return
    }
    let given = message.lastIndex(of: 0x2c).map { message[($0 + 3)...] } ?? []
    require(decoded(given) == right, "a wrong proof is taken")
}
