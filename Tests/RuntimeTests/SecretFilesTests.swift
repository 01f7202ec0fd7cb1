import Glibc
import KafkaCore
import Synchronization
import Testing

@testable import Runtime

@Suite struct SecretFilesTests {
    /// A directory of the test's own, with one file.
    private final class Place {
        let directory: String
        let file: SecretFile
        let files = SecretFiles()
        let lines = Lines()

        init() {
            var template = Array("/tmp/secret-files-XXXXXX".utf8CString)
            directory = String(cString: mkdtemp(&template))
            file = SecretFile(path: directory + "/secret", key: "password_file")
            files.start { [lines] _, line in lines.add(line) }
        }

        deinit {
            unlink(file.path)
            rmdir(directory)
        }

        /// Put in the place of what was there, as one step.
        func put(_ bytes: [UInt8]) {
            let next = directory + "/next"
            let descriptor = open(next, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
            #expect(write(descriptor, bytes, bytes.count) == bytes.count)
            close(descriptor)
            rename(next, file.path)
        }

        func put(_ text: String) { put(Array(text.utf8)) }

        func failure() -> String? {
            do {
                _ = try files.secret(file)
                return nil
            } catch { return error.text }
        }
    }

    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    @Test("a secret is a line without its end; the rest is part of it")
    func line() throws {
        let place = Place()
        for (text, secret) in [
            ("abc", "abc"), ("abc\n", "abc"), ("abc\r\n", "abc"), (" a b \n\n", " a b \n"),
        ] {
            place.put(text)
            #expect(try place.files.secret(place.file) == secret)
        }
    }

    @Test("a file that was replaced is read again")
    func replaced() throws {
        let place = Place()
        place.put("one")
        #expect(try place.files.secret(place.file) == "one")
        place.put("two")
        #expect(try place.files.secret(place.file) == "two")
        let line = "password_file \(place.file.path): has changed, and is read anew"
        #expect(place.lines.all == [line])
    }

    @Test("one that vanished is what it was for a while, which is told once, and its end")
    func vanished() throws {
        let place = Place()
        place.put("one")
        _ = try place.files.secret(place.file)
        unlink(place.file.path)
        for _ in 0..<3 { #expect(try place.files.secret(place.file) == "one") }
        #expect(place.lines.all.count == 1)
        #expect(place.lines.all.first?.contains("No such file or directory") == true)
        place.put("one")
        #expect(try place.files.secret(place.file) == "one")
        #expect(place.lines.all.count == 2)
        #expect(place.lines.all.last?.hasSuffix("can be read again") == true)
    }

    @Test("what is no secret is told with its setting and its path")
    func unreadable() {
        let place = Place()
        let name = "password_file \(place.file.path): "
        #expect(place.failure() == name + "No such file or directory")
        for (bytes, reason) in [
            (Array("\n".utf8), "the file is empty"), ([0xff, 0xfe], "not UTF-8"),
            ([UInt8](repeating: 0x41, count: 2 << 20), "longer than 1048576 bytes"),
        ] {
            let place = Place()
            place.put(bytes)
            #expect(place.failure()?.hasSuffix(": " + reason) == true)
        }
        mkfifo(place.file.path, 0o600)
        #expect(place.failure() == name + "not a file")
    }

    @Test("the files of TLS become its texts, or a reason that names the one that is missing")
    func tls() {
        let place = Place()
        var settings = TLSSettings()
        settings.files.ca = place.file
        guard case .failure(let text) = place.files.read(settings) else {
            Issue.record("nothing was missed")
            return
        }
        #expect(text.contains(place.file.path))
        place.put("pem")
        guard case .read(let read) = place.files.read(settings) else {
            Issue.record("it was not read")
            return
        }
        #expect(read.caPEM == "pem" && read.files.isEmpty)
    }
}
