//! `doorstep-server`: serve, and the administrator's commands.

mod args;
mod findings;
mod lists;
mod log;
mod run;
mod wall;
mod words;

use std::{error::Error, io::Write, process::ExitCode, sync::Arc};

use args::{Args, Command, Word};
use clap::Parser;
use doorstep_server::{
    Config, GatewayConfig, IfCopied, TlsFiles, VERSIONS,
    log::{self as server_log, Level},
    start,
};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use wall::wall;

fn main() -> ExitCode {
    // Every file from here on is private to its owner, photos and temporary files too.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let command = Args::parse().command;
    match &command {
        Command::Serve { log, log_json, .. } => server_log::start(*log, *log_json),
        _ => server_log::start(Level::INFO, false),
    }
    let serves = matches!(command, Command::Serve { .. });
    match run(command) {
        Ok(code) => code,
        Err(error) => {
            if serves {
                doorstep_server::log!(error, "the server ends", error = *error);
            } else {
                // The answer to the person who ran the command. The exit code stays if nobody can read it.
                writeln!(std::io::stderr(), "doorstep-server: {error}").ok();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Box<dyn Error>> {
    Ok(match command {
        Command::Serve {
            data,
            listen,
            admin_listen,
            insecure,
            tls_cert,
            tls_key,
            photos,
            sms,
            shared_folder,
            connections,
            if_copied,
            json,
            log: _,
            log_json: _,
        } => {
            let if_copied = if_copied.map(|word| match word {
                Word::Restore => IfCopied::Restore,
                Word::Moved => IfCopied::Moved,
            });
            let tls = tls_cert.zip(tls_key).map(|(cert, key)| TlsFiles { cert, key });
            let now: doorstep_server::NowFn = Arc::new(wall);
            let config = Config {
                folder: data,
                listen,
                admin_listen,
                insecure,
                tls,
                photos,
                sms: gateway(sms.as_deref())?,
                shared_folder,
                connections,
                if_copied,
                now,
                versions: VERSIONS,
            };
            serve(&config, json)?
        }
        Command::Restore { data, publication, json } => words::say_restore(&data, &publication, json)?,
        Command::Moved { data, json } => words::say_moved(&data, json)?,
        Command::Admin { data, photos, json, command } => run::administer(&data, photos.as_deref(), json, command)?,
    })
}

/// The SMS gateway's configuration; without one no SMS is sent.
fn gateway(file: Option<&std::path::Path>) -> Result<GatewayConfig, String> {
    let Some(file) = file else { return Ok(GatewayConfig::Log) };
    let toml = std::fs::read_to_string(file).map_err(|error| format!("read {}: {error}", file.display()))?;
    GatewayConfig::parse(&toml).map_err(|error| format!("{}: {error}", file.display()))
}

fn serve(config: &Config, as_json: bool) -> Result<ExitCode, Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        // Without TLS no file is read again, so a hangup of the terminal ends the server as usual.
        let mut hangup = if config.tls.is_some() { Some(signal(SignalKind::hangup())?) } else { None };
        loop {
            let running = start(config.clone()).await?;
            let ready = if as_json {
                let (listen, admin) = (running.addr, running.admin_addr);
                json!({ "listen": listen, "admin": admin, "page": running.page(), "waits": running.waits() }).to_string()
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
                        Ok(()) => doorstep_server::log!(info, "the certificate was read again; new connections get it"),
                        Err(error) => doorstep_server::log!(error, "the certificate in use stays", error = error),
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
