//! The stage: processes started, asked, killed; the hour moved; every event one line.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::Stdio,
};

use doorstep_client::Recording;
use doorstep_domain::UnixMs;
use doorstep_tests::{Link, LinkMode};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
};

use crate::{
    clock::{MONDAY, StoryClock},
    device::Ask,
};

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A process that plays a part.
pub struct Part {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Part {
    /// Starts this very program again in a part.
    pub fn start(args: &[&str]) -> Result<Self> {
        let mut child = tokio::process::Command::new(std::env::current_exe()?)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("no stdout")?;
        Ok(Self { child, stdin, lines: BufReader::new(stdout).lines() })
    }

    /// The next line of JSON.
    pub async fn line(&mut self) -> Result<Value> {
        let line = self.lines.next_line().await?.ok_or("the process ended")?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Says something without waiting for the answer.
    pub async fn tell(&mut self, ask: &Ask) -> Result<()> {
        let mut line = serde_json::to_vec(ask)?;
        line.push(b'\n');
        self.stdin.as_mut().ok_or("no stdin")?.write_all(&line).await?;
        Ok(())
    }

    /// SIGKILL, and waits until the process is gone.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.start_kill()?;
        self.child.wait().await?;
        Ok(())
    }

    /// Lets the process end by itself.
    pub async fn end(&mut self) -> Result<()> {
        self.stdin.take();
        self.child.wait().await?;
        Ok(())
    }
}

/// A device on the stage.
pub struct Actor {
    /// As the lines call it.
    pub name: &'static str,
    /// The account.
    pub person: &'static str,
    /// Its store folder.
    pub folder: PathBuf,
    clock: PathBuf,
    wall_off_minutes: i64,
    boot: u32,
    part: Part,
    /// Syncs that ended for lack of network.
    pub failed_syncs: u64,
    /// Syncs that ran to their end.
    pub completed_syncs: u64,
    /// Requests of the completed syncs.
    pub requests: u64,
    /// How often head office made it go on as a new installation.
    pub new_installs: u64,
}

impl Actor {
    /// Starts a device process on its folder.
    pub fn start(name: &'static str, person: &'static str, root: &Path, wall_off_minutes: i64, boot: u32) -> Result<Self> {
        Self::start_in(name, person, root, person, wall_off_minutes, boot)
    }

    /// Starts a device process on a folder of another name.
    pub fn start_in(
        name: &'static str,
        person: &'static str,
        root: &Path,
        folder: &str,
        wall_off_minutes: i64,
        boot: u32,
    ) -> Result<Self> {
        let (folder, clock) = (root.join(folder), root.join("clock"));
        let part = Self::process(&folder, &clock, wall_off_minutes, boot)?;
        Ok(Self {
            name,
            person,
            folder,
            clock,
            wall_off_minutes,
            boot,
            part,
            failed_syncs: 0,
            completed_syncs: 0,
            requests: 0,
            new_installs: 0,
        })
    }

    fn process(folder: &Path, clock: &Path, wall_off: i64, boot: u32) -> Result<Part> {
        std::fs::create_dir_all(folder)?;
        let (folder, clock) = (folder.to_str().ok_or("path")?, clock.to_str().ok_or("path")?);
        Part::start(&["device", folder, clock, "--", &wall_off.to_string(), &boot.to_string()])
    }

    /// Asks and waits for the answer.
    pub async fn ask(&mut self, ask: &Ask) -> Result<Value> {
        self.part.tell(ask).await?;
        self.part.line().await
    }

    /// Records; anything but success ends the demo.
    pub async fn record(&mut self, command: Recording, photos: &[(u32, &str)]) -> Result<Value> {
        let photos = photos.iter().map(|(seed, shows)| (*seed, (*shows).to_owned())).collect();
        let answer = self.ask(&Ask::Record { command: Box::new(command), photos }).await?;
        match answer.get("error") {
            Some(error) => Err(format!("{} could not record: {error}", self.name).into()),
            None => Ok(answer),
        }
    }

    /// A case as this device shows it.
    pub async fn case(&mut self, waybill: &str) -> Result<Value> {
        let report = self.ask(&Ask::Report).await?;
        let case = report["cases"].as_array().and_then(|cases| cases.iter().find(|case| case["waybill"] == waybill));
        case.cloned().ok_or_else(|| format!("{} does not show {waybill}", self.name).into())
    }

    /// Begins a sync without waiting for its end.
    pub async fn begin_sync(&mut self) -> Result<()> {
        self.part.tell(&Ask::Sync).await
    }

    /// Syncs; says whether it worked.
    pub async fn sync(&mut self) -> Result<bool> {
        self.begin_sync().await?;
        self.end_sync().await
    }

    /// Waits for the end of a sync; says whether it worked.
    pub async fn end_sync(&mut self) -> Result<bool> {
        let answer = self.part.line().await?;
        match answer.get("report") {
            Some(report) => {
                self.completed_syncs += 1;
                self.requests += report["requests"].as_u64().unwrap_or(0);
                self.new_installs += u64::from(report["new_install"] == true);
                Ok(true)
            }
            None if answer["error"]["kind"] == "Network" => {
                self.failed_syncs += 1;
                Ok(false)
            }
            None => Err(format!("{}: the sync failed for another reason than the network: {answer}", self.name).into()),
        }
    }

    /// Records without end and is killed after so many lines and so many microseconds. Returns how many were shown.
    pub async fn storm_until_killed(&mut self, waybill: &str, shown: u64, micros: u64) -> Result<u64> {
        self.part.tell(&Ask::Storm { waybill: waybill.to_owned() }).await?;
        let mut count = 0;
        while count < shown {
            self.part.line().await?;
            count += 1;
        }
        tokio::time::sleep(std::time::Duration::from_micros(micros)).await;
        self.part.kill().await?;
        // Lines that were written to the pipe before the kill were shown too.
        while self.part.line().await.is_ok() {
            count += 1;
        }
        self.part = Self::process(&self.folder, &self.clock, self.wall_off_minutes, self.boot)?;
        Ok(count)
    }

    /// Killed while idle, started again.
    pub async fn kill_and_restart(&mut self) -> Result<()> {
        self.part.kill().await?;
        self.part = Self::process(&self.folder, &self.clock, self.wall_off_minutes, self.boot)?;
        Ok(())
    }

    /// Ends the process.
    pub async fn end(mut self) -> Result<()> {
        self.part.end().await
    }
}

/// The hour and the network.
pub struct Stage {
    clock: StoryClock,
    /// The link between the devices and head office.
    pub link: Link,
}

impl Stage {
    /// A stage on a root folder.
    pub fn new(root: &Path, link: Link) -> Result<Self> {
        Ok(Self { clock: StoryClock::open(&root.join("clock"))?, link })
    }

    /// Moves the hour: day 0 is Monday.
    pub fn at(&self, day: i64, hour: i64, minute: i64) -> Result<()> {
        self.clock.set(MONDAY.plus(((day * 24 + hour) * 60 + minute) * 60_000))?;
        Ok(())
    }

    /// The story's time.
    pub fn now(&self) -> UnixMs {
        self.clock.now()
    }

    /// One event, one line.
    pub fn say(&self, text: &str) {
        let minutes = self.now().since(MONDAY) / 60_000;
        let day = if minutes < 24 * 60 { "Mon" } else { "Tue" };
        println!("{day} {:02}:{:02}  {text}", minutes / 60 % 24, minutes % 60);
    }

    /// Cuts or mends the network.
    pub fn network(&self, mode: LinkMode, why: &str) {
        self.link.set(mode);
        self.say(&format!("~~ {why}"));
    }
}
