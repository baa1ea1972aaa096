//! The table of a pack: code x role, what the role read, and which duties it did.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
};

/// What a role had to do with a code.
#[derive(Default)]
struct Cell {
    reads: Option<bool>,
    named: BTreeSet<String>,
    did: BTreeSet<String>,
}

/// Code x role.
#[derive(Default)]
pub struct Table(BTreeMap<(String, &'static str), Cell>);

impl Table {
    fn cell(&mut self, code: &str, role: &'static str) -> &mut Cell {
        self.0.entry((code.to_owned(), role)).or_default()
    }

    /// Notes whether a role reads what it needs in a case of a code.
    pub fn reads(&mut self, code: &str, role: &'static str, reads: bool) {
        let cell = self.cell(code, role);
        cell.reads = Some(reads && cell.reads.unwrap_or(true));
    }

    /// Notes that a duty names a role.
    pub fn named(&mut self, code: &str, role: &'static str, duty: &str) {
        self.cell(code, role).named.insert(duty.to_owned());
    }

    /// Notes that a role did a duty.
    pub fn did(&mut self, code: &str, role: &'static str, duty: &str) {
        self.cell(code, role).did.insert(duty.to_owned());
    }

    /// How often a role did a duty in cases of a code is not counted; only whether it did it at all.
    pub fn has_done(&self, code: &str, role: &'static str, duty: &str) -> bool {
        self.0.get(&(code.to_owned(), role)).is_some_and(|cell| cell.did.contains(duty))
    }

    /// The text. A duty in brackets names the role, and in the played cases others did it, who may too.
    fn text(&self) -> String {
        let mut text = format!("{:<14} {:<17} {:<9} can act\n", "code", "role", "can read");
        for ((code, role), cell) in &self.0 {
            let read = match cell.reads {
                Some(true) => "yes",
                Some(false) => "NO",
                None => "-",
            };
            let others = cell.named.difference(&cell.did).map(|duty| format!("({duty})"));
            let acts: Vec<String> = cell.did.iter().cloned().chain(others).collect();
            let acts = if acts.is_empty() { "-".to_owned() } else { acts.join(" ") };
            writeln!(text, "{code:<14} {role:<17} {read:<9} {acts}").unwrap();
        }
        text
    }

    /// Prints the table and compares it with the kept one, or writes it there if the environment says so.
    pub fn compare(&self, pack: &str) {
        let text = self.text();
        println!("{pack}\n{text}");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("proof").join(format!("{pack}.txt"));
        if std::env::var("DOORSTEP_TABLES").is_ok_and(|word| word == "write") {
            fs::write(&file, &text).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        let differs = text.lines().zip(kept.lines()).find(|(new, old)| new != old);
        assert!(text == kept, "{} is another table now, first at {differs:?}: DOORSTEP_TABLES=write writes it", file.display());
    }
}
