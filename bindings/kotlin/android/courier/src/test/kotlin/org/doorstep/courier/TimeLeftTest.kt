package org.doorstep.courier

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals

class TimeLeftTest {
    @Test
    fun `a countdown never shows more than is left`() {
        assertEquals(TimeLeft(false, 2, 9), TimeLeft.until(dueAtMs = 7_799_999, nowMs = 0))
        assertEquals(TimeLeft(false, 0, 0), TimeLeft.until(dueAtMs = 5, nowMs = 5))
        assertEquals(TimeLeft(true, 0, 0), TimeLeft.until(dueAtMs = 5, nowMs = 6))
        assertEquals(TimeLeft(true, 25, 1), TimeLeft.until(dueAtMs = 0, nowMs = 25 * 3_600_000L + 60_000))
    }
}
