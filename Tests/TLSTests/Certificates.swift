import Glibc

/// Certificates for the tests, made once a run with the openssl command.
struct TestCertificates: Sendable {
    /// A certificate and its key, as PEM text.
    struct Identity: Sendable {
        let certificate: String
        let key: String
    }

    let authority: Identity
    /// Another authority of the same kind, whom nobody trusts.
    let stranger: Identity
    /// broker.test, *.wild.test, 127.0.0.1 and ::1, signed by `authority`.
    let server: Identity
    let expired: Identity
    let selfSigned: Identity
    /// broker.test, signed by an intermediate that follows it in the text.
    let chained: Identity
    /// Who has signed it.
    let intermediate: Identity
    /// broker.test as its common name alone, as old brokers have it.
    let commonName: Identity
    let client: Identity
    let strangersClient: Identity
    let encryptedKey: String

    static let shared = TestCertificates()

    private init() {
        var template = [CChar]("/tmp/pubsubgw-tls-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { fatalError("mkdtemp") }
        let directory = String(cString: made)
        defer { Self.shell("rm -rf '\(directory)'") }
        let status = Self.shell("cd '\(directory)' && exec 2>log && " + Self.script)
        guard status == 0 else { fatalError("openssl: " + Self.text("\(directory)/log")) }
        func identity(_ name: String) -> Identity {
            Identity(
                certificate: Self.text("\(directory)/\(name).pem"),
                key: Self.text("\(directory)/\(name).key"))
        }
        authority = identity("authority")
        stranger = identity("stranger")
        server = identity("server")
        expired = identity("expired")
        selfSigned = identity("selfSigned")
        client = identity("client")
        strangersClient = identity("strangersClient")
        intermediate = identity("intermediate")
        commonName = identity("broker.test")
        let leaf = identity("leaf")
        chained = Identity(
            certificate: leaf.certificate + intermediate.certificate, key: leaf.key)
        encryptedKey = Self.text("\(directory)/encrypted.key")
    }

    private static let script = """
        set -e
        names='subjectAltName=DNS:broker.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1'
        key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
        root() { key $1; openssl req -x509 -new -key $1.key -subj "/CN=$1" -days 2 -out $1.pem; }
        sign() { # name, issuer, days, extension
            key $1
            openssl req -new -key $1.key -subj "/CN=$1" -out $1.csr
            echo "$4" > $1.ext
            openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days $3 \\
                -extfile $1.ext -out $1.pem
        }
        root authority
        root stranger
        root selfSigned
        sign server authority 2 "$names"
        sign expired authority -1 "$names"
        sign intermediate authority 2 "basicConstraints=critical,CA:TRUE"
        sign leaf intermediate 2 "$names"
        sign broker.test authority 2 "basicConstraints=CA:FALSE"
        sign client authority 2 "extendedKeyUsage=clientAuth"
        sign strangersClient stranger 2 "extendedKeyUsage=clientAuth"
        openssl pkcs8 -topk8 -in server.key -passout pass:secret -out encrypted.key
        """

    @discardableResult
    private static func shell(_ command: String) -> Int32 {
        var arguments: [UnsafeMutablePointer<CChar>?] = ["sh", "-c", command].map {
            (text: String) in strdup(text)
        }
        defer { for argument in arguments { free(argument) } }
        arguments.append(nil)
        var process = pid_t()
        guard posix_spawn(&process, "/bin/sh", nil, nil, arguments, environ) == 0 else { return -1 }
        var status: Int32 = 0
        waitpid(process, &status, 0)
        return status
    }

    private static func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
