//! `doorstep-server`: serve, and the administrator's commands.

mod args;
mod log;
mod run;
mod wall;
mod words;

use std::{io::Write, process::ExitCode, sync::Arc};

use args::{Args, Command, Word};
use clap::Parser;
use doorstep_server::{Config, GatewayConfig, IfCopied, TlsFiles, VERSIONS, say, start};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use wall::wall;

fn main() -> ExitCode {
    // Every file from here on is private to its owner, photos and temporary files too.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let result = match Args::parse().command {
        Command::Serve {
            data,
            listen,
            insecure,
            tls_cert,
            tls_key,
            photos,
            sms,
            shared_folder,
            connections,
            if_copied,
            json,
        } => {
            let if_copied = if_copied.map(|word| match word {
                Word::Restore => IfCopied::Restore,
                Word::Moved => IfCopied::Moved,
            });
            let tls = tls_cert.zip(tls_key).map(|(cert, key)| TlsFiles { cert, key });
            gateway(sms.as_deref()).and_then(|sms| {
                let now: doorstep_server::NowFn = Arc::new(wall);
                let versions = VERSIONS;
                let config = Config {
                    folder: data,
                    listen,
                    insecure,
                    tls,
                    photos,
                    sms,
                    shared_folder,
                    connections,
                    if_copied,
                    now,
                    versions,
                };
                serve(&config, json)
            })
        }
        Command::Restore { data, publication, json } => {
            words::say_restore(&data, &publication, json).map_err(|error| error.to_string())
        }
        Command::Moved { data, json } => words::say_moved(&data, json).map_err(|error| error.to_string()),
        Command::Admin { data, photos, json, command } => {
            run::administer(&data, photos.as_deref(), json, command).map_err(|error| error.to_string())
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            say!("doorstep-server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The SMS gateway's configuration; without one no SMS is sent.
fn gateway(file: Option<&std::path::Path>) -> Result<GatewayConfig, String> {
    let Some(file) = file else { return Ok(GatewayConfig::Log) };
    let toml = std::fs::read_to_string(file).map_err(|error| format!("read {}: {error}", file.display()))?;
    GatewayConfig::parse(&toml).map_err(|error| format!("{}: {error}", file.display()))
}

fn serve(config: &Config, as_json: bool) -> Result<ExitCode, String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let on = |kind| signal(kind).map_err(|error| error.to_string());
        let mut terminate = on(SignalKind::terminate())?;
        // Without TLS no file is read again, so a hangup of the terminal ends the server as usual.
        let mut hangup = if config.tls.is_some() { Some(on(SignalKind::hangup())?) } else { None };
        loop {
            let running = start(config.clone()).await.map_err(|error| error.to_string())?;
            let ready = if as_json {
                json!({ "listen": running.addr, "page": running.page(), "waits": running.waits() }).to_string()
            } else if running.waits() {
                format!("doorstep-server 等待确认，不应答 waits for a word and answers nothing: {}", running.url())
            } else {
                format!("doorstep-server listens on {}\n总部页面 page: {}", running.url(), running.page())
            };
            // A server whose output nobody reads goes on serving.
            let _ = writeln!(std::io::stdout(), "{ready}");
            let again = loop {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => break false,
                    _ = terminate.recv() => break false,
                    () = running.is_over() => break true,
                    () = asked(&mut hangup) => match running.reload_tls().await {
                        Ok(()) => say!("doorstep-server: the certificate was read again; new connections get it"),
                        Err(error) => say!("doorstep-server: {error}; the certificate in use stays"),
                    },
                }
            };
            running.stop().await;
            if !again {
                return Ok(ExitCode::SUCCESS);
            }
        }
    })
}

async fn asked(signal: &mut Option<Signal>) {
    let Some(signal) = signal else { return std::future::pending().await };
    signal.recv().await;
}
