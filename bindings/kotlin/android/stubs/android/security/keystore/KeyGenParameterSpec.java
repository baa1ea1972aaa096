package android.security.keystore;

/** Only what a level after 23 added and Newer.kt uses. For the type check; never packaged. */
public final class KeyGenParameterSpec {
    private KeyGenParameterSpec() {}

    public static final class Builder {
        private Builder() {}

        /** Since 28. */
        public Builder setIsStrongBoxBacked(boolean isStrongBoxBacked) {
            throw new UnsupportedOperationException();
        }
    }
}
