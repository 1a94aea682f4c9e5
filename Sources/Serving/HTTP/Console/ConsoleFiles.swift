internal import FeatureStore
internal import Serving

/// The web console: the page at `/console`, and its files under an address that names their contents.
///
/// A browser keeps files for good, as other contents have another address; the page itself is small and asked for anew each time. All of it
/// comes out of the binary: there is nothing to install, and nothing is fetched from elsewhere.
struct ConsoleFiles: Sendable {
    static let shared = ConsoleFiles(consoleContents)

    /// 16 hexadecimal digits, of the names and bytes of all files.
    let version: String
    let page: Reply
    private let files: [String: Reply]

    init(_ contents: [(name: String, text: String)]) {
        let version = hexadecimal(contents.flatMap { Array("\($0.name)\0\($0.text)".utf8) }.withUnsafeBytes { XXHash64.hash($0) })
        self.version = version
        // Modules that name one another would else be asked for one after the other.
        let preloads = contents.filter { $0.name.hasSuffix(".js") && $0.name != "theme.js" }.map {
            "  <link rel=\"modulepreload\" href=\"console/\(version)/\($0.name)\">"
        }
        let markup = (contents.first { $0.name == "index.html" }?.text ?? "")
            .replacing("@modules@", with: preloads.joined(separator: "\n")).replacing("@version@", with: version)
        page = Self.reply(markup, "text/html; charset=utf-8", caching: "no-cache")
        files = Dictionary(uniqueKeysWithValues: contents.compactMap { file in
            Self.type(of: file.name).map { (file.name, Self.reply(file.text, $0, caching: "public, max-age=31536000, immutable")) }
        })
    }

    /// Nil: there is no such file. While servers are exchanged one after the other, a page may ask for files of a version that this one does not
    /// have: it gets those there are, and they are not kept.
    func file(_ name: String, version asked: String) -> Reply? {
        guard var reply = files[name] else { return nil }
        if asked != version { reply.headers[0].value = "no-store" }
        return reply
    }

    /// The page lives at one address, so that its relative ones hold behind any proxy.
    static let withoutSlash: Reply = {
        var reply = Reply(text: "", contentType: "text/plain; charset=utf-8")
        reply.status = 308
        reply.headers = [("Location", "../console")]
        return reply
    }()

    private static func type(of name: String) -> StaticString? {
        switch name.split(separator: ".").last {
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "svg": "image/svg+xml"
        default: nil
        }
    }

    private static func reply(_ text: String, _ type: StaticString, caching: String) -> Reply {
        var reply = Reply(text: text, contentType: type)
        reply.headers = [
            ("Cache-Control", caching),
            ("Content-Security-Policy", policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        return reply
    }

    /// Nothing but this server's own files and answers: no inline scripts and styles, no frames, no markup made of strings.
    private static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "base-uri 'none'",
        "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
    ].joined(separator: "; ")
}
