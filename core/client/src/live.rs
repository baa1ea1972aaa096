//! Waiting for a hint that something moved at the server. A hint holds no data and nothing depends on it: it says that now
//! is a good moment to sync.

use std::time::Duration;

use doorstep_sync::Failure;
use reqwest::{Method, StatusCode};

use crate::{
    Client, ClientError, Refusal,
    http::{self, Call, Cost},
};

/// Most bytes of hints that are read.
const MOST: usize = 64 * 1024;

impl Client {
    /// Waits until something that this device may read has moved beyond what it has: `true`, sync now; `false`, nothing for
    /// so many seconds (1 to 60). It holds up no sync, and dropping it loses nothing. Whoever calls it in a loop must wait
    /// by itself after an error, and after a sync that failed: the next hint for what was not fetched comes at once.
    pub async fn wait_for_hint(&self, wait_seconds: u32) -> Result<bool, ClientError> {
        let (session, cursors) = {
            let store = self.inner.store();
            (store.session()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?, store.cursors()?)
        };
        http::allow(&session.server, self.inner.transport.insecure)?;
        let wait = wait_seconds.clamp(1, 60);
        // With what this device has, so that what moved between its last sync and this call is not waited for.
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
            // The server is meant to be silent for so long.
            clocks: self.inner.clock.read(),
            stall: self.inner.transport.stall + Duration::from_secs(u64::from(wait)),
        };
        let cost = &mut Cost::default();
        let mut response = call.begin(cost).await.map_err(ClientError::Network)?;
        if response.status() != StatusCode::OK || !http::is_from_us(&response) {
            let nothing = http::answer(response, self.inner.transport.stall, cost).await.map_err(ClientError::Network)?;
            return nothing.map_or(Ok(false), |_| Err(ClientError::Network(Failure::Network)));
        }
        // Read to its end, so that the connection can be used again; what it names is for the next sync to find out.
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
