//! The part of head office: the real server on a free port, with the story's clock.

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
};

use doorstep_server::{Config, GatewayConfig, start};
use serde_json::json;

use crate::clock::StoryClock;

/// With which the gateway binds to the operator on the stage.
pub const SMSC_PASSWORD: &str = "secret";

/// Serves until its standard input closes, which is when the stage ends or is killed.
pub async fn run(folder: PathBuf, clock: &Path, smsc_port: u16) -> Result<(), Box<dyn Error>> {
    let clock = StoryClock::open(clock)?;
    let sms = GatewayConfig::parse(&format!(
        "provider = \"smpp\"\n[smpp]\nhost = \"127.0.0.1\"\nport = {smsc_port}\nsystem_id = \"qinghe\"\npassword = \"{SMSC_PASSWORD}\"\n\
         source_addr = \"106900412\"\nextension_digits = 2\ntls = false\nreconnect_seconds = 0.05\n"
    ))?;
    let running = start(Config { sms, ..Config::on_loopback(folder, Arc::new(move || clock.now())) }).await?;
    println!("{}", json!({ "addr": running.addr, "page": format!("http://{}/?token={}", running.addr, running.console_token) }));
    tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop)).await?;
    running.stop().await;
    Ok(())
}
