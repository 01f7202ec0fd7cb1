import KafkaCore
import SASL
import Synchronization
import Testing

@testable import Runtime

@Suite struct TokenDeskTests {
    private final class Told: Sendable {
        private let results = Mutex<[LoginWork.Result]>([])
        private let questions = Mutex<[String]>([])
        private let lines = Mutex<[String]>([])

        func reply(_ result: LoginWork.Result) { results.withLock { $0.append(result) } }
        func ask(_ name: String) -> Bool {
            questions.withLock { $0.append(name) }
            return true
        }
        func log(_ line: String) { lines.withLock { $0.append(line) } }

        var given: [LoginWork.Result] { results.withLock { $0 } }
        var asked: [String] { questions.withLock { $0 } }
        var logged: [String] { lines.withLock { $0 } }
    }

    private func desk(_ told: Told) -> TokenDesk {
        let desk = TokenDesk()
        desk.start(wake: { _, _ in }, log: { told.log($1) })
        return desk
    }

    private let token = BearerToken(value: "t0ken")

    @Test("names have tokens of their own; who has withdrawn hears nothing")
    func names() {
        let told = Told()
        let desk = desk(told)
        desk.setHost("a") { name, _ in told.ask(name) }
        desk.setHost("b") { name, _ in told.ask(name) }
        _ = desk.want("a") { told.reply($0) }
        let withdrawn = desk.want("a") { told.reply($0) }
        _ = desk.want("b") { told.reply($0) }
        desk.withdraw("a", withdrawn)
        #expect(told.asked == ["a", "b"])
        desk.set("a", token, lifeMilliseconds: 60_000)
        #expect(told.given == [.token(token)])
    }

    @Test("without anybody to ask, who wants a token is told what to do; later it is asked for")
    func nobody() {
        let told = Told()
        let desk = desk(told)
        _ = desk.want("idp") { told.reply($0) }
        guard case .failed(let reason)? = told.given.first else {
            Issue.record("nobody is told")
            return
        }
        #expect(reason.hasPrefix("token \"idp\": nobody brings it"))
        _ = desk.want("idp") { told.reply($0) }
        #expect(told.given.count == 2 && told.logged.count == 1)
        desk.setHost("idp") { name, _ in told.ask(name) }
        #expect(told.asked == ["idp"])
        desk.set("idp", token, lifeMilliseconds: 60_000)
        #expect(told.logged.last == "the token \"idp\" is there again")
        _ = desk.want("idp") { told.reply($0) }
        #expect(told.given.last == .token(token))
    }

    @Test("a token that was given before anybody asked is there")
    func early() {
        let told = Told()
        let desk = TokenDesk()
        desk.set("idp", token, lifeMilliseconds: 60_000)
        _ = desk.want("idp") { told.reply($0) }
        #expect(told.given == [.token(token)])
    }

    @Test("behind the end nobody is told anything")
    func end() {
        let told = Told()
        let desk = desk(told)
        desk.setHost("idp") { name, _ in told.ask(name) }
        _ = desk.want("idp") { told.reply($0) }
        desk.stop()
        desk.set("idp", token, lifeMilliseconds: 60_000)
        #expect(told.given.isEmpty)
        #expect(desk.removeHost("idp") == false)
    }
}
