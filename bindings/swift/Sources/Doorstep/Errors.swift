import DoorstepBindings
import Foundation

extension DoorstepError {
    /// One word for what happened, to decide by. Words are added and never renamed.
    public var code: String { parts.code }

    /// What happened and what to do next, in Chinese.
    public var zh: String { parts.zh }

    /// What happened and what to do next, in English.
    public var en: String { parts.en }

    /// What happened and what to do next, for a person: Chinese where that comes first among their languages, else English.
    public func words(languages: [String] = Locale.preferredLanguages) -> String {
        languages.first?.hasPrefix("zh") == true ? zh : en
    }

    private var parts: (code: String, zh: String, en: String) {
        switch self {
        case .Usage(let code, let zh, let en), .Rule(let code, let zh, let en), .Locked(let code, let zh, let en),
            .Network(let code, let zh, let en), .Storage(let code, let zh, let en), .DatabaseKey(let code, let zh, let en),
            .Cancelled(let code, let zh, let en), .Suspended(let code, let zh, let en), .Closed(let code, let zh, let en),
            .Host(let code, let zh, let en), .Internal(let code, let zh, let en):
            (code, zh, en)
        }
    }
}

/// The generated `errorDescription` is what `String(reflecting:)` says. This makes that, and so `localizedDescription`, the words in the
/// person's language; `description` stays both.
extension DoorstepError: CustomStringConvertible, CustomDebugStringConvertible {
    /// The words in the person's language.
    public var debugDescription: String { words() }
}
