internal import ArgumentParser
internal import Serving

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Makes a bearer token, and the hash of it that the definitions file has.",
        discussion: """
            The token goes to whoever will send it (`Authorization: Bearer mrt_...`), and nowhere else. The hash goes into the definitions:

              access:
                principals:
                  homepage: {services: [homepage], tokens: [{sha256: HASH, expires: 2027-06-30T00:00:00Z}]}

            To change a token, put the new hash beside the old one, restart, let the client change over, and take the old one out.
            """)

    @Flag(help: "Read a token from standard input and print its hash only.")
    var hash = false

    func run() throws {
        if hash {
            guard let token = readLine(strippingNewline: true), !token.isEmpty else {
                printError("there is no token on standard input")
                throw Exit.failed
            }
            return print(BearerToken.hash(token))
        }
        let token = BearerToken.make()
        print("token   \(token)\nsha256  \(BearerToken.hash(token))")
    }
}
