package android.app;

/** Only what a level after 23 added and Newer.kt uses. For the type check; never packaged. */
public final class PendingIntent {
    private PendingIntent() {}

    /** Since 31. */
    public static final int FLAG_MUTABLE = 1 << 25;
}
