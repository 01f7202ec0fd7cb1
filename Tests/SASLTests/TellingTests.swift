import SASL
import Testing

@Suite struct TellingTests {
    private func credentials(_ password: String) -> Login {
        var login = Login(
            SASLCredentials(mechanism: .plain, username: "ann", password: password), host: "h",
            .secure)
        _ = try? login.take(.begin)
        return login
    }

    @Test("a text that holds a good part of the password is told from one that does not")
    func parts() {
        let long = credentials("correct horse battery")
        #expect(long.isToldBy("x: horse b!") && long.isToldBy("t horse"))
        #expect(!long.isToldBy("horse") && !long.isToldBy("ann: invalid credentials"))
        #expect(!long.isToldBy("") && !credentials("").isToldBy("anything"))
        #expect(credentials("ab").isToldBy("crab") && !credentials("ab").isToldBy("a"))
    }
}
