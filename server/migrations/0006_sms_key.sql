-- Marks of numbers are kept, nonces are forgotten: a new nonce key must void no opt-out and no waiting SMS. What is marked so far stays.
INSERT OR IGNORE INTO meta (key, value) SELECT 'recipient_key', value FROM meta WHERE key = 'nonce_key';
