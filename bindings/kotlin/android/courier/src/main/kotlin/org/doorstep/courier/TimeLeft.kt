package org.doorstep.courier

/** The time to a deadline, or since: whole minutes, so that nothing is shown as left that is not. */
data class TimeLeft(val isLate: Boolean, val hours: Long, val minutes: Long) {
    companion object {
        /** Times are milliseconds since 1970. The deadline's own millisecond is not late. */
        fun until(dueAtMs: Long, nowMs: Long): TimeLeft {
            val isLate = nowMs > dueAtMs
            val minutes = (if (isLate) nowMs - dueAtMs else dueAtMs - nowMs) / 60_000
            return TimeLeft(isLate, minutes / 60, minutes % 60)
        }
    }
}
