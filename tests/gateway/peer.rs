//! An SMSC that nobody here wrote, driven by lines of JSON (tests/README.md).

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use doorstep_gateway::{GatewayConfig, LinkState, Notice, Smpp};
use doorstep_tests::smsc::Certificate;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// The programs that are there: a name and a command for each.
pub fn programs() -> Vec<(&'static str, PathBuf, PathBuf)> {
    let mut programs = Vec::new();
    for (name, variable, interpreter, script) in
        [("npm smpp", "DOORSTEP_SMSC_NPM", "node", "smsc.mjs"), ("PyPI smpp34", "DOORSTEP_SMSC_PY", "venv/bin/python", "smsc.py")]
    {
        let Ok(folder) = std::env::var(variable) else {
            println!("not run: no SMSC of {name}; tests/peers/smsc prints the folder for {variable}");
            continue;
        };
        let folder = PathBuf::from(folder);
        let command = if interpreter.contains('/') { folder.join(interpreter) } else { PathBuf::from(interpreter) };
        programs.push((name, command, folder.join(script)));
    }
    programs
}

/// A running SMSC and a gateway on it.
pub struct Peer {
    _child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    pub smpp: Arc<Smpp>,
    pub events: mpsc::Receiver<Notice>,
    _files: Option<TempDir>,
}

impl Peer {
    /// Starts both. `args` are the program's, `more` is TOML of the table `[smpp]`.
    pub async fn start((_, command, script): &(&'static str, PathBuf, PathBuf), args: &[&str], more: &str) -> Self {
        Self::begin(command, script, args, more, None).await
    }

    /// Starts both, with TLS.
    pub async fn with_tls((_, command, script): &(&'static str, PathBuf, PathBuf), certificate: &Certificate) -> Self {
        let files = TempDir::new().unwrap();
        let paths = ["ca.pem", "cert.pem", "key.pem"].map(|name| files.path().join(name));
        for (path, pem) in paths.iter().zip([&certificate.ca, &certificate.certificate, &certificate.key]) {
            std::fs::write(path, pem).unwrap();
        }
        let [ca, cert, key] = paths.map(|path| path.display().to_string());
        let more = format!("tls = true\nca_file = \"{ca}\"\nserver_name = \"localhost\"");
        Self::begin(command, script, &["--tls", &cert, &key], &more, Some(files)).await
    }

    async fn begin(command: &PathBuf, script: &PathBuf, args: &[&str], more: &str, files: Option<TempDir>) -> Self {
        let mut command = Command::new(command);
        command.arg(script).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = timeout(PATIENCE, lines.next_line()).await.expect("the SMSC starts").unwrap().expect("it says where");
        let listening: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(listening["event"], "listening");
        let toml = crate::gate::toml(u16::try_from(listening["port"].as_u64().unwrap()).unwrap(), more);
        let GatewayConfig::Smpp(config) = GatewayConfig::parse(&toml).unwrap() else { panic!() };
        let (sender, events) = mpsc::channel(16);
        let smpp = Arc::new(Smpp::start(*config, sender).unwrap());
        Self { _child: child, stdin, lines, smpp, events, _files: files }
    }

    /// The next event of a kind; others before it are passed over.
    pub async fn saw(&mut self, kind: &str) -> Value {
        let wait = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("the SMSC runs");
                let event: Value = serde_json::from_str(&line).unwrap();
                if event["event"] == kind {
                    return event;
                }
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("the SMSC never said {kind}"))
    }

    /// Tells the SMSC to do something.
    pub async fn tell(&mut self, order: Value) {
        self.stdin.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        self.stdin.flush().await.unwrap();
    }

    /// What the next submits get.
    pub async fn script(&mut self, answers: &[&str]) {
        self.tell(json!({ "do": "next", "answers": answers })).await;
    }

    pub async fn until(&self, is_wanted: impl FnMut(&LinkState) -> bool) -> LinkState {
        let mut link = self.smpp.link();
        timeout(PATIENCE, link.wait_for(is_wanted)).await.expect("the link changes").unwrap().clone()
    }

    pub async fn bound(&self) {
        self.until(|state| *state == LinkState::Bound).await;
    }

    pub async fn notice(&mut self) -> Notice {
        timeout(PATIENCE, self.events.recv()).await.expect("an event comes").unwrap()
    }
}
