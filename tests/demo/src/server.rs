//! The part of head office: the real server on a free port, with the story's clock.

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
};

use doorstep_server::{Config, VERSIONS, start};
use serde_json::json;

use crate::clock::StoryClock;

/// Serves until its standard input closes, which is when the stage ends or is killed.
pub async fn run(folder: PathBuf, clock: &Path) -> Result<(), Box<dyn Error>> {
    let clock = StoryClock::open(clock)?;
    let listen = "127.0.0.1:0".parse()?;
    let running = start(Config {
        folder,
        listen,
        insecure: false,
        tls: None,
        photos: None,
        now: Arc::new(move || clock.now()),
        sms: doorstep_server::GatewayConfig::Log,
        versions: VERSIONS,
    })
    .await?;
    println!("{}", json!({ "addr": running.addr, "page": format!("http://{}/?token={}", running.addr, running.console_token) }));
    tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop)).await?;
    running.stop().await;
    Ok(())
}
