package org.doorstep

import org.doorstep.ffi.DoorstepException
import java.util.Locale

/** One word for what happened, whatever its kind: to decide by. Words are added, never renamed. */
val DoorstepException.code: String get() = said.first

/** What happened and what to do next, in Chinese, whatever its kind. */
val DoorstepException.zh: String get() = said.second

/** What happened and what to do next, in English, whatever its kind. */
val DoorstepException.en: String get() = said.third

/** What happened and what to do next: in Chinese where [locale] is, else in English. */
fun DoorstepException.words(locale: Locale = Locale.getDefault()): String = if (locale.language == "zh") zh else en

private val DoorstepException.said: Triple<String, String, String>
    get() = when (this) {
        is DoorstepException.Usage -> Triple(code, zh, en)
        is DoorstepException.Rule -> Triple(code, zh, en)
        is DoorstepException.Locked -> Triple(code, zh, en)
        is DoorstepException.Network -> Triple(code, zh, en)
        is DoorstepException.Storage -> Triple(code, zh, en)
        is DoorstepException.DatabaseKey -> Triple(code, zh, en)
        is DoorstepException.Cancelled -> Triple(code, zh, en)
        is DoorstepException.Suspended -> Triple(code, zh, en)
        is DoorstepException.Closed -> Triple(code, zh, en)
        is DoorstepException.Host -> Triple(code, zh, en)
        is DoorstepException.Internal -> Triple(code, zh, en)
    }
