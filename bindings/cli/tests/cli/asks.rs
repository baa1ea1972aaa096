//! Questions between outlets and hubs on the command line: asked, answered, sent on, arrived, linked, found among unidentified goods.

use doorstep_rules::ASKS_POLICY;

use super::*;

/// The stores of an outlet's tablets and a hub's, under the rules of a process with searches, in force since yesterday.
struct Chain {
    world: World,
}

impl Chain {
    fn new() -> Self {
        let world = World::new();
        let mut admin = Admin::open(&world.path("server")).unwrap();
        admin.outlet("0755", "前湖网点", "Qianhu", "0755-1").unwrap();
        admin.outlet("H1", "杭州分拨中心", "Hangzhou hub", "0571-2").unwrap();
        let people = [("s1", "outlet", "0412"), ("o1", "outlet", "0571"), ("x1", "outlet", "0755"), ("h1", "hub", "H1")];
        let pack = include_str!("../../../../core/rules/packs/zto-process-2.toml");
        let pack = pack.replacen("network = \"ZTO\"", "network = \"QH\"", 1).replacen("^[0-9]{12,14}$", "^QH[0-9]{12}$", 1);
        admin.policy(ASKS_POLICY).unwrap();
        admin.publish_pack(pack.as_bytes(), now().plus(-48 * 3_600_000)).unwrap();
        let chain = Self { world };
        for (user, role, outlet) in people {
            admin.user(user, "王一", role, outlet).unwrap();
            let code = admin.code(user, now()).unwrap().code;
            chain.ok(user, &["enrol", "--server", &format!("http://{}", chain.world.link), "--code", &code]);
        }
        chain
    }

    fn run(&self, user: &str, args: &[&str]) -> Said {
        run(&self.world.path(user), args)
    }

    /// Runs with success; what it said.
    fn ok(&self, user: &str, args: &[&str]) -> String {
        let said = self.run(user, args);
        assert_eq!(said.code, 0, "{user} {args:?}: {}{}", said.out, said.err);
        said.out
    }

    fn sync(&self, users: &[&str]) {
        for user in users {
            self.ok(user, &["sync"]);
        }
    }

    /// Why something is refused, with the exit code of a refusal by a rule.
    fn refused(&self, user: &str, args: &[&str]) -> String {
        let said = self.run(user, args);
        assert_eq!(said.code, 3, "{user} {args:?}: {}{}", said.out, said.err);
        said.err
    }
}

#[test]
fn a_search_is_asked_and_answered_and_its_question_says_who_has_still_to_answer() {
    let chain = Chain::new();
    chain.ok("s1", &["register", PARCEL, "--reason", "LS-LOST", "--stage", "service"]);
    let said = chain.refused("s1", &["ask", PARCEL, "--step", "outlet_search", "--to", "0412"]);
    assert!(said.contains("不用询问本网点") && said.contains("needs no question"), "{said}");
    let said = chain.refused("s1", &["ask", PARCEL, "--step", "outlet_search", "--to", "0999"]);
    assert!(said.contains("0999") && said.contains("0755") && said.contains("H1"), "with what can be asked: {said}");
    chain.ok("s1", &["ask", PARCEL, "--step", "outlet_search", "--to", "0755", "--note", "昨晚的车"]);
    chain.ok("s1", &["ask", PARCEL, "--step", "hub_search", "--to", "H1"]);
    chain.sync(&["s1", "x1", "h1"]);
    let list = chain.ok("x1", &["cases"]);
    assert!(list.contains(PARCEL) && list.contains("轮到我 / my turn"), "{list}");
    let shown = chain.ok("x1", &["show", PARCEL]);
    assert!(shown.contains("昨晚的车") && shown.contains("→ 0755") && shown.contains("waits for the answer"), "{shown}");
    let said = chain.refused("x1", &["answer", PARCEL, "arrived"]);
    assert!(said.contains("found") && said.contains("not_found"), "with the results that there are: {said}");
    chain.ok("x1", &["answer", PARCEL, "not_found", "--note", "两遍都没有"]);
    let said = chain.refused("x1", &["answer", PARCEL, "not_found"]);
    assert!(said.contains("没有等待本网点答复") && said.contains("waits for your outlet"), "{said}");
    chain.sync(&["x1", "s1"]);
    let shown = chain.ok("s1", &["show", PARCEL]);
    let asked: Vec<&str> = shown.lines().filter(|line| line.contains("询问 / asked: ")).collect();
    assert_eq!(asked.len(), 2, "{shown}");
    assert!(asked[0].contains("没有找到 / Not found here") && !asked[0].contains("waits"), "{asked:?}");
    assert!(asked[1].contains("→ H1") && asked[1].contains("等待答复 / waits for the answer"), "{asked:?}");
}

#[test]
fn goods_without_a_label_are_listed_apart_and_found_as_the_lost_parcel() {
    let chain = Chain::new();
    let registered = chain.run("h1", &["register", "--unreadable", "--reason", "CD-DAMAGE", "--stage", "hub", "--json"]).json();
    let provisional = registered["cases"][0]["facts"]["waybill"].as_str().unwrap_or_else(|| panic!("{registered}"));
    chain.ok("s1", &["register", PARCEL, "--reason", "LS-LOST", "--stage", "service"]);
    chain.ok("s1", &["ask", PARCEL, "--step", "hub_search", "--to", "H1"]);
    chain.sync(&["h1", "s1", "h1"]);
    let goods = chain.ok("h1", &["cases", "--unidentified"]);
    assert!(goods.contains(provisional) && !goods.contains(PARCEL), "{goods}");
    let said = chain.refused("h1", &["answer", PARCEL, "found", "--as", OTHER]);
    assert!(said.contains("临时单号") && said.contains("provisional"), "{said}");
    chain.ok("h1", &["answer", PARCEL, "found", "--as", provisional]);
    chain.sync(&["h1", "s1"]);
    assert!(!chain.ok("h1", &["cases", "--unidentified"]).contains(provisional), "it has its number");
    assert!(chain.ok("s1", &["show", PARCEL]).contains(provisional), "and the case has the other one");
}

#[test]
fn a_parcel_that_was_sent_on_is_confirmed_by_its_site_or_said_not_to_have_come() {
    let chain = Chain::new();
    chain.ok("s1", &["register", PARCEL, "--reason", "RT-MISSENT", "--stage", "arrival"]);
    chain.ok("s1", &["notice", PARCEL]);
    chain.sync(&["s1", "o1"]);
    chain.ok("o1", &["reply", PARCEL, "--decision", "FORWARD", "--to", "0755", "--note", "转前湖"]);
    chain.sync(&["o1", "s1"]);
    let said = chain.refused("s1", &["act", PARCEL, "--outcome", "FORWARD", "--to", "0412"]);
    assert!(said.contains("0412"), "it is there already: {said}");
    chain.ok("s1", &["act", PARCEL, "--outcome", "FORWARD"]);
    chain.sync(&["s1", "x1"]);
    assert!(chain.ok("x1", &["cases", "--mine"]).contains(PARCEL));
    chain.ok("x1", &["arrived", PARCEL, "--not"]);
    let said = chain.refused("x1", &["arrived", PARCEL]);
    assert!(said.contains("请写明是哪条询问") && said.contains("name its question"), "it has answered: {said}");
    let asks = chain.run("x1", &["show", PARCEL, "--json"]).json()["asks"].clone();
    let question = asks[0]["entry"].as_str().unwrap_or_else(|| panic!("{asks}"));
    chain.ok("x1", &["arrived", PARCEL, "--ask", question]);
    chain.sync(&["x1", "s1"]);
    let shown = chain.ok("s1", &["show", PARCEL]);
    assert!(shown.contains("已到 / Arrived") && shown.contains("派件网点 / delivering outlet: 0755"), "{shown}");
    let said = chain.refused("s1", &["arrived", PARCEL]);
    assert!(said.contains("没有等待本网点答复"), "{said}");
}

#[test]
fn the_cases_of_a_swap_show_each_other_and_no_more() {
    let chain = Chain::new();
    chain.ok("s1", &["fail", OTHER, "--reason", "DF-REFUSE"]);
    chain.ok("s1", &["register", PARCEL, "--reason", "LS-SWAP", "--stage", "delivery", "--other", OTHER]);
    chain.sync(&["s1"]);
    Admin::open(&chain.world.path("server")).unwrap().cases(10, now()).unwrap();
    chain.sync(&["s1"]);
    let line = |waybill: &str| {
        let shown = chain.ok("s1", &["show", waybill]);
        shown
            .lines()
            .find(|line| line.contains("关联快件 / the other parcel"))
            .map(str::to_owned)
            .unwrap_or_else(|| panic!("{shown}"))
    };
    assert!(line(PARCEL).contains(OTHER) && line(PARCEL).contains("DF-REFUSE"), "{}", line(PARCEL));
    assert!(line(OTHER).contains(PARCEL) && line(OTHER).contains("LS-SWAP"), "{}", line(OTHER));
}
