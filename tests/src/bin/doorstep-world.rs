//! A small network for tests in other languages: a real `doorstep-server` process, parcels, a link that can be cut or held, and
//! an origin outlet that replies. Started by a test, it lives as long as its standard input.
//!
//! `doorstep-world FOLDER [PARCELS]` prints `{"url": ...}`; then each line on its standard input is a command, and each is
//! answered by one line of JSON:
//!
//! | command | what it does |
//! | --- | --- |
//! | `code USER` | a one-time code for `c1` (courier of 0412, with all parcels), `c2` (a colleague), `s1` (outlet 0412), `m1` (its manager), `o1` (outlet 0571), `h1` (hub H1, which handles all parcels) |
//! | `link up\|cut\|hold` | how the link behaves; what is held goes on when it is up again |
//! | `reached` | returns when a client has come as far as the link since that was last set |
//! | `reply WAYBILL [PHONE ADDRESS]` | the origin outlet looks at the notice and decides `REDELIVER`, with a corrected phone and address if they are given; it reaches head office |
//! | `cases` | what head office has |
//! | `sheets` | head office publishes the rights on sheets |
//! | `wipe USER` | head office orders the devices of a person to be wiped |
//! | `photo FILE` | draws a picture of 1600 x 1200 as a camera would leave it: 1.4 MB, about 300 KB as it is sent |
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a harness fails loudly")]

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use doorstep_client::{Act, Client, Options};
use doorstep_domain::Reply;
use doorstep_tests::{Link, LinkMode, PARCEL_COLUMNS, code, grainy, on, text, waybill};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    process::{Child, Command as Process},
};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, rest @ ..] = arguments.as_slice() else { panic!("doorstep-world FOLDER [PARCELS]") };
    let parcels = rest.first().map_or(40, |count| count.parse().expect("a number of parcels"));
    let mut world = World::start(Path::new(folder), parcels).await;
    println!("{}", json!({ "url": world.link.url() }));
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        println!("{}", world.answer(&line).await);
    }
    // The server is killed with `kill_on_drop`.
}

struct World {
    bin: PathBuf,
    folder: PathBuf,
    link: Link,
    before: u64,
    _server: Child,
}

impl World {
    async fn start(folder: &Path, parcels: u32) -> Self {
        let bin = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        let (data, list) = (folder.join("server"), folder.join("parcels.csv"));
        std::fs::create_dir_all(folder).unwrap();
        let mut csv = format!("{PARCEL_COLUMNS},hub\n");
        for n in 0..parcels {
            csv += &format!("{},QH,0571,0412,c1,王小花,138{:08},青禾路{n}号,0,,H1\n", waybill(n), n);
        }
        std::fs::write(&list, csv).unwrap();
        for arguments in [
            vec!["outlet", "0412", "--name-zh", "城西派件部", "--name-en", "Chengxi", "--phone", "0412-1000"],
            vec!["outlet", "0571", "--name-zh", "余杭网点", "--name-en", "Yuhang", "--phone", "0571-88001234"],
            vec!["outlet", "H1", "--name-zh", "杭州分拨", "--name-en", "Hangzhou hub", "--phone", "0571-88005678"],
            vec!["user", "c1", "--name", "李明", "--role", "courier", "--outlet", "0412"],
            vec!["user", "c2", "--name", "王强", "--role", "courier", "--outlet", "0412"],
            vec!["user", "m1", "--name", "吴军", "--role", "outlet_manager", "--outlet", "0412"],
            vec!["user", "h1", "--name", "孙丽", "--role", "hub", "--outlet", "H1"],
            vec!["user", "s1", "--name", "周兰", "--role", "outlet", "--outlet", "0412"],
            vec!["user", "o1", "--name", "赵敏", "--role", "outlet", "--outlet", "0571"],
            vec!["import-parcels", list.to_str().unwrap()],
        ] {
            admin(&bin, &data, &arguments).await;
        }
        let mut server = Process::new(bin.join("doorstep-server"))
            .args(["serve", "--listen", "127.0.0.1:0", "--json", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("doorstep-server beside this program");
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let hello: Value = serde_json::from_str(&lines.next_line().await.unwrap().expect("where it listens")).unwrap();
        let link = Link::to(hello["listen"].as_str().unwrap().parse().unwrap()).await;
        Self { bin, folder: folder.to_owned(), link, before: 0, _server: server }
    }

    async fn answer(&mut self, line: &str) -> Value {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["code", user] => {
                let mut answer = admin(&self.bin, &self.folder.join("server"), &["code", user]).await;
                json!({ "code": answer["code"].take() })
            }
            ["link", mode] => {
                self.before = self.link.arrivals();
                self.link.set(match *mode {
                    "up" => LinkMode::Up,
                    "cut" => LinkMode::Cut,
                    "hold" => LinkMode::Hold,
                    _ => return json!({ "error": "up, cut or hold" }),
                });
                json!({ "ok": true })
            }
            ["reached"] => {
                self.link.reached(self.before).await;
                json!({ "ok": true })
            }
            ["reply", waybill] => {
                self.reply(waybill, None).await;
                json!({ "ok": true })
            }
            ["reply", waybill, phone, address] => {
                self.reply(waybill, Some((phone, address))).await;
                json!({ "ok": true })
            }
            ["sheets"] => {
                let file = self.folder.join("policy.json");
                std::fs::write(&file, doorstep_rules::SHEETS_POLICY).unwrap();
                admin(&self.bin, &self.folder.join("server"), &["policy", file.to_str().unwrap()]).await;
                json!({ "ok": true })
            }
            ["cases"] => {
                let data = self.folder.join("server");
                let mut cases = Vec::new();
                for list in [&["cases"][..], &["cases", "--unlisted"]] {
                    cases.extend(admin(&self.bin, &data, list).await.as_array().cloned().unwrap_or_default());
                }
                json!({ "cases": cases })
            }
            ["wipe", user] => {
                let data = self.folder.join("server");
                let devices = admin(&self.bin, &data, &["devices"]).await;
                let of_user = |row: &&Value| row["people"].as_array().is_some_and(|all| all.iter().any(|one| one == *user));
                for device in devices.as_array().unwrap().iter().filter(of_user) {
                    admin(&self.bin, &data, &["wipe", device["device"].as_str().unwrap(), "--why", "lost"]).await;
                }
                json!({ "ok": true })
            }
            ["photo", file] => {
                let bytes = grainy(7, 1600, 1200);
                std::fs::write(file, &bytes).unwrap();
                json!({ "bytes": bytes.len() })
            }
            _ => json!({ "error": "no such command" }),
        }
    }

    async fn reply(&self, waybill: &str, corrected: Option<(&str, &str)>) {
        let outlet = Client::open(&self.folder.join("origin"), Options::default()).unwrap();
        if outlet.identity().unwrap().is_none() {
            let code = admin(&self.bin, &self.folder.join("server"), &["code", "o1"]).await;
            outlet.enrol(&self.link.url(), code["code"].as_str().unwrap()).await.unwrap();
        }
        outlet.sync().await.unwrap();
        let reply = Reply {
            words: Some(text("同址再派")),
            phone: corrected.map(|(phone, _)| text(phone)),
            address: corrected.map(|(_, address)| text(address)),
            same: corrected.is_none(),
            ..Reply::of(code("REDELIVER"))
        };
        outlet.record(&on(waybill, Act::Seen), &[]).unwrap();
        outlet.record(&on(waybill, Act::Reply(reply)), &[]).unwrap();
        outlet.sync().await.unwrap();
    }
}

async fn admin(bin: &Path, data: &Path, arguments: &[&str]) -> Value {
    let mut process = Process::new(bin.join("doorstep-server"));
    let output = process.args(["admin", "--json", "--data"]).arg(data).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}
