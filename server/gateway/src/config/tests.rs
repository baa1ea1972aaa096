use std::time::Duration;

use super::*;

const SMPP: &str = r#"
provider = "smpp"
[smpp]
host = "smsc.example"
port = 2775
system_id = "doorstep"
password = "secret"
source_addr = "10690001"
tls = true
"#;

fn smpp(toml: &str) -> SmppConfig {
    match GatewayConfig::parse(toml).unwrap() {
        GatewayConfig::Smpp(smpp) => *smpp,
        other => panic!("{other:?}"),
    }
}

fn fault(toml: &str) -> String {
    GatewayConfig::parse(toml).unwrap_err().to_string()
}

#[test]
fn a_log_needs_nothing_else() {
    assert!(matches!(GatewayConfig::parse("provider = \"log\""), Ok(GatewayConfig::Log)));
}

#[test]
fn smpp_has_defaults_that_any_smsc_stands() {
    let smpp = smpp(SMPP);
    assert_eq!((smpp.per_second, smpp.window), (10, 10));
    assert_eq!(smpp.enquire_seconds, Duration::from_secs(30));
    assert_eq!((smpp.dest_ton, smpp.dest_npi, smpp.country.as_str()), (1, 1, "86"));
}

#[test]
fn whether_the_link_is_tls_must_be_said() {
    assert!(fault(&SMPP.replace("tls = true", "")).contains("tls"));
}

#[test]
fn seconds_may_be_whole_or_not_and_never_nothing() {
    assert_eq!(smpp(&format!("{SMPP}response_seconds = 0.25")).response_seconds, Duration::from_millis(250));
    for bad in ["0", "-1", "86401", "nan", "\"30\""] {
        let said = fault(&format!("{SMPP}response_seconds = {bad}"));
        assert!(said.contains("number of seconds above 0"), "{bad}: {said}");
    }
}

#[test]
fn faults_name_the_key_and_what_to_do_and_never_show_a_secret() {
    for (from, to, says) in [
        ("port = 2775", "port = 2775\nwindow = 0", "smpp.window must be 1 to 1000"),
        ("\"doorstep\"", "\"\"", "smpp.system_id must be 1 to 15"),
        ("\"10690001\"", "\"服务号\"", "smpp.source_addr must be 1 to 20 ASCII"),
        ("password = \"secret\"", "", "smpp.password_file must name the file"),
        ("\"secret\"", "\"much-too-secret\"", "at most 8 ASCII"),
        ("tls = true", "tls = false\nca_file = \"x.pem\"", "smpp.ca_file is of no use without tls = true"),
        ("password = \"secret\"", "password = much-too-secret", "line 7"),
        ("port = 2775", "port = 2775\ncountry = \"+86\"", "smpp.country must be a country code"),
        ("port = 2775", "port = 2775\ndest_ton = 7", "smpp.dest_ton"),
        ("port", "prot", "unknown field `prot`"),
        ("[smpp]", "[smtp]", "unknown field `smtp`"),
    ] {
        let said = fault(&SMPP.replace(from, to));
        assert!(said.contains(says), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    assert!(fault("provider = \"smpp\"").contains("needs a table [smpp]"));
    assert!(fault(&SMPP.replace("provider = \"smpp\"", "provider = \"log\"")).contains("take the table out"));
    assert!(fault("provider = \"fax\"").contains("unknown variant `fax`"));
}

#[test]
fn a_password_comes_from_a_file_of_one_line_and_is_never_shown() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s3cret\n").unwrap();
    let path = file.path().display();
    let config = smpp(&SMPP.replace("password = \"secret\"", &format!("password_file = \"{path}\"")));
    assert_eq!(config.secret().unwrap().bare(), "s3cret");
    assert!(!format!("{:?}", smpp(SMPP)).contains("secret"));
    for bad in ["", "one\ntwo\n"] {
        std::fs::write(file.path(), bad).unwrap();
        assert!(config.secret().unwrap_err().to_string().contains("in one line"));
    }
}

const HTTP: &str = r#"
provider = "http"
[http]
url = "https://sms.example/send"
headers = { authorization = "Bearer secret" }
body = '{"to":"{number}","text":"{text}"}'
id_pointer = "/id"
"#;

#[test]
fn http_goes_over_tls_and_its_faults_say_what_to_do() {
    let GatewayConfig::Http(config) = GatewayConfig::parse(HTTP).unwrap() else { panic!() };
    assert!(!format!("{config:?}").contains("secret"));
    assert!(GatewayConfig::parse(&HTTP.replace("https://sms.example", "http://127.0.0.1:8080")).is_ok());
    for (from, to, says) in [
        ("https://", "http://", "http.url must be an https URL"),
        ("https://sms.example/send", "sms.example", "http.url must be an https URL"),
        ("{text}", "{phone}", "http.body has the place {phone}"),
        ("\"/id\"", "\"id\"", "http.id_pointer must be a JSON pointer"),
        ("\"/id\"", "\"/id\"\ncode_pointer = \"/code\"", "http.ok_codes must name the code"),
        ("\"/id\"", "\"/id\"\nsender = \"10690001\"\nextension_digits = 7", "http.extension_digits must be 0 to 6"),
        ("\"/id\"", "\"/id\"\nretries = 3", "unknown field `retries`"),
        (
            "\"/id\"",
            "\"/id\"\nwebhooks = { token_file = \"x\", inbound = { from = \"f\", to = \"/t\", text = \"/x\" } }",
            "no JSON pointer",
        ),
    ] {
        let said = fault(&HTTP.replace(from, to));
        assert!(said.contains(says), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn the_readmes_examples_are_configurations() {
    let readme = include_str!("../../../README.md");
    let examples: Vec<&str> = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        GatewayConfig::parse(example).unwrap();
    }
}
