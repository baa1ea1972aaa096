//! Sending by a modem at this computer: the spool folder of smstools (`smsd`), which takes a file from `outgoing/` and moves it to
//! `sent/` or `failed/`. A file is whole and durable before the daemon can see it.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use doorstep_client::{Client, OutgoingSms, SmsResult, SmsSender};
use doorstep_domain::SmsFault;

/// The spool folder.
#[derive(Debug, Clone)]
pub struct Spool(PathBuf);

/// The ending of a file's name once the store knows the file's fate.
const NOTED: &str = "noted";

impl Spool {
    /// The spool below a folder.
    pub fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Tells the client what has become of the files since the last time.
    pub fn collect(&self, client: &Client) -> Result<(), doorstep_client::ClientError> {
        // A file whose fate can not be told must not hold back the fates of the others.
        let mut failed = None;
        for (folder, fate) in
            [("outgoing", Fate::Queued), ("checked", Fate::Queued), ("sent", Fate::Sent), ("failed", Fate::Failed)]
        {
            for file in fs::read_dir(self.0.join(folder)).into_iter().flatten().flatten() {
                let (path, name) = (file.path(), file.file_name().to_string_lossy().into_owned());
                let Some((reference, parts)) = read_name(&name) else { continue };
                let told = match fate {
                    Fate::Queued => client.sms_result(&reference, SmsResult::HandedOver),
                    // The modem sends all segments or fails.
                    Fate::Sent => (0..parts).try_for_each(|part| client.sms_result(&reference, SmsResult::PartSent(part))),
                    Fate::Failed => (0..parts)
                        .try_for_each(|part| client.sms_result(&reference, SmsResult::PartFailed(part, SmsFault::Generic))),
                };
                if let Err(error) = told {
                    failed.get_or_insert(error);
                    continue;
                }
                if !matches!(fate, Fate::Queued) {
                    // The new name only saves telling the fate again. A fate that is told twice changes nothing.
                    fs::rename(&path, path.with_extension(NOTED)).ok();
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

#[derive(Clone, Copy)]
enum Fate {
    Queued,
    Sent,
    Failed,
}

/// A file's name from a reference and the number of segments: a reference has `:` and `/`, which names may not have.
fn name(message: &OutgoingSms) -> String {
    format!("{}={}.sms", message.reference.replace(':', "=").replace('/', "+"), message.parts.len())
}

fn read_name(name: &str) -> Option<(String, u32)> {
    let (reference, parts) = name.strip_suffix(".sms")?.rsplit_once('=')?;
    Some((reference.replace('=', ":").replace('+', "/"), parts.parse().ok()?))
}

#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().create(true).truncate(true).write(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> std::io::Result<File> {
    File::create(path)
}

impl SmsSender for Spool {
    fn can_send(&self) -> bool {
        self.0.join("outgoing").is_dir()
    }

    fn send(&self, message: &OutgoingSms) -> Result<(), SmsFault> {
        let outgoing = self.0.join("outgoing");
        let (hidden, seen) = (outgoing.join(format!(".{}", name(message))), outgoing.join(name(message)));
        let digits: String = message.to.chars().filter(char::is_ascii_digit).collect();
        // smsd takes international numbers without a plus.
        let to = if digits.len() == 11 && digits.starts_with('1') { format!("86{digits}") } else { digits };
        let alphabet = if message.text.is_ascii() { "" } else { "Alphabet: UTF-8\n" };
        let write = || {
            // The file holds a number and a text, so only this account and the daemon may read it.
            let mut file = private(&hidden)?;
            write!(file, "To: {to}\n{alphabet}\n{}", message.text)?;
            file.sync_all()?;
            fs::rename(&hidden, &seen)
        };
        // Up to here surely nothing was sent. From here the daemon may have it, and nobody may say that it was not.
        if write().is_err() {
            fs::remove_file(&hidden).ok();
            return Err(SmsFault::RadioOff);
        }
        File::open(&outgoing).and_then(|folder| folder.sync_all()).ok();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_gives_its_reference_back() {
        let reference = "00112233445566778899aabbccddeeff:sms/abcdefgh-3.0:1".to_owned();
        let message =
            OutgoingSms { reference: reference.clone(), to: String::new(), text: String::new(), parts: vec![String::new(); 2] };
        assert!(!name(&message).contains(['/', ':']));
        assert_eq!(read_name(&name(&message)), Some((reference, 2)));
        assert_eq!(read_name("somebody-elses"), None);
    }
}
