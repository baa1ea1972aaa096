//! Waits for hints of the server. A hint has no data; it only means that now is a good moment to sync, and nothing depends on it.

use std::time::Duration;

use doorstep_sync::Failure;
use reqwest::{Method, StatusCode};

use crate::{
    Client, ClientError, Refusal,
    http::{self, Call, Cost},
};

/// Most bytes of hints that are read at once.
const MOST: usize = 64 * 1024;

impl Client {
    /// Waits until a feed that this device may read has moved beyond its cursor. `true` means sync now; `false` means no news for
    /// this many seconds (1 to 60). It does not block a sync, and dropping it loses nothing. A caller in a loop must wait by
    /// itself after an error and after a failed sync, because the next hint would come at once.
    pub async fn wait_for_hint(&self, wait_seconds: u32) -> Result<bool, ClientError> {
        let (session, cursors) = {
            let store = self.inner.store();
            (store.session()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?, store.cursors()?)
        };
        http::allow(&session.server, self.inner.transport.insecure)?;
        let wait = wait_seconds.clamp(1, 60);
        // Name the device's cursors, so that the server reports at once what moved since the last sync.
        let at: String = cursors.iter().map(|pull| format!("&at={}:{}", pull.cursor, pull.scope)).collect();
        let call = Call {
            client: &self.inner.transport.http,
            token: Some(&session.token.secret),
            renewal: None,
            method: Method::GET,
            url: format!("{}/v1/live?wait={wait}{at}", session.server),
            headers: vec![],
            body: vec![].into(),
            taken: std::sync::Arc::default(),
            // The server is silent for this long on purpose.
            clocks: self.inner.clock.read(),
            stall: self.inner.transport.stall + Duration::from_secs(u64::from(wait)),
        };
        let cost = &mut Cost::default();
        let mut response = call.begin(cost).await.map_err(ClientError::Network)?;
        if response.status() != StatusCode::OK || !http::is_from_us(&response) {
            let nothing = http::answer(response, self.inner.transport.stall, cost).await.map_err(ClientError::Network)?;
            return nothing.map_or(Ok(false), |_| Err(ClientError::Network(Failure::Network)));
        }
        // Read the body to its end, so that the connection can be reused. The next sync finds out what moved.
        let mut read = 0;
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(self.inner.transport.stall, response.chunk()).await {
            read += chunk.len();
            if read > MOST {
                break;
            }
        }
        Ok(true)
    }
}
