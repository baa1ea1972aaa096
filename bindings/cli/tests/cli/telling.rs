//! What `show` says of an entry, and to whom in clear.

use doorstep_server::admin::Admin;
use serde_json::Value;

use crate::{PARCEL, Said, World, now, run};

const PHONE: &str = "13912345678";
const ADDRESS: &str = "青禾路9号3幢";

/// The device of somebody else than the courier, enrolled.
struct Device<'a> {
    world: &'a World,
    user: &'a str,
}

impl<'a> Device<'a> {
    fn of(world: &'a World, user: &'a str, role: &str, outlet: &str) -> Self {
        let mut admin = Admin::open(&world.path("server")).unwrap();
        admin.user(user, "赵敏", role, outlet).unwrap();
        let code = admin.code(user, now()).unwrap().code;
        let device = Self { world, user };
        device.run(&["enrol", "--server", &format!("http://{}", world.link), "--code", &code]);
        device
    }

    fn run(&self, args: &[&str]) -> Said {
        let said = run(&self.world.path(self.user), args);
        assert_eq!(said.code, 0, "{args:?}: {}{}", said.out, said.err);
        said
    }
}

/// The newest entry of a kind in a case as JSON.
fn entry<'a>(case: &'a Value, kind: &str) -> &'a Value {
    let entries = case["timeline"].as_array().unwrap();
    entries.iter().map(|recorded| &recorded["entry"]).rfind(|entry| entry["kind"] == kind).unwrap()
}

#[test]
fn the_courier_reads_the_corrected_phone_and_address_while_their_parcel_is_open_and_nobody_at_the_outlets_after_its_end() {
    let world = World::new();
    world.enrol();
    world.json(&["fail", PARCEL, "--reason", "DF-ADDR", "--sub", "moved"]);
    world.json(&["notice", PARCEL, "--request", "请核对地址和电话"]);
    world.json(&["sync"]);
    let origin = Device::of(&world, "o1", "outlet", "0571");
    let reply = ["reply", PARCEL, "--decision", "REDELIVER", "--phone", PHONE, "--address", ADDRESS, "--contact", "王小花"];
    origin.run(&[&reply[..], &["--note", "请打新号码13912345678"]].concat());
    origin.run(&["sync"]);
    world.json(&["sync"]);

    let shown = world.run(&["show", PARCEL]).out;
    for words in
        ["电话 / phone 13912345678", "地址 / address 青禾路9号3幢", "联系人 / contact 王小花", "「请打新号码13912345678」"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    world.json(&["call", PARCEL, "--result", "answered", "--to", PHONE]);
    let shown = world.run(&["show", PARCEL]).out;
    assert!(shown.contains("接通 / answered  拨打的号码 / number called 13912345678"), "{shown}");
    assert_eq!(entry(&world.json(&["show", PARCEL]), "reply")["phone"], PHONE);
    assert!(origin.run(&["show", PARCEL]).out.contains(PHONE), "their outlet sent it, and it is open");

    world.json(&["close", PARCEL, "--outcome", "SIGNED"]);
    let masked = ["电话 / phone 139******78", "地址 / address 青禾路***", "联系人 / contact 王**", "「请打新号码139******78」"];
    let closed = world.run(&["show", PARCEL]).out;
    world.json(&["sync"]);
    origin.run(&["sync"]);
    for shown in [closed, origin.run(&["show", PARCEL]).out] {
        for words in masked {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        assert!(!shown.contains(PHONE) && !shown.contains(ADDRESS), "{shown}");
    }
    let json = origin.run(&["show", PARCEL, "--json"]);
    assert!(!json.out.contains(PHONE) && !json.out.contains(ADDRESS), "{}", json.out);
    let json = json.json();
    assert_eq!(
        (&entry(&json, "reply")["phone"], &entry(&json, "call")["number"]),
        (&"139******78".into(), &"139******78".into())
    );
}
