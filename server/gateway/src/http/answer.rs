//! The meaning of a provider's answer.

use serde_json::Value;

use crate::{Fault, HttpConfig, Submitted, code::plain};

/// The meaning of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Done(Submitted),
    /// The message was not taken now and may be tried again.
    Busy(&'static str),
}

/// Reads an answer. `body` is `None` if it was too large or the connection ended in it.
pub(crate) fn said(config: &HttpConfig, status: u16, body: Option<&[u8]>) -> Said {
    let uncertain = |why| Said::Done(Submitted::Uncertain { why, ids: vec![] });
    let document = body.and_then(|body| serde_json::from_slice::<Value>(body).ok());
    let code = document.as_ref().zip(config.code_pointer.as_ref()).and_then(|(document, pointer)| text_at(document, pointer));
    match status {
        200..=299 => {
            let Some(document) = document else { return uncertain("the provider's answer could not be read") };
            let id = text_at(&document, &config.id_pointer).filter(|id| !id.is_empty() && id.chars().count() <= 64);
            match (&config.code_pointer, code, id) {
                (None, _, Some(id)) => Said::Done(Submitted::Accepted { ids: vec![id] }),
                (None, _, None) => uncertain("the provider's answer has no id"),
                (Some(_), None, _) => uncertain("the provider's answer has no code"),
                (Some(_), Some(code), id) if config.ok_codes.contains(&code) => {
                    // The message was taken, even if without an id its receipts can not be matched.
                    Said::Done(Submitted::Accepted { ids: id.into_iter().collect() })
                }
                (Some(_), Some(code), _) => refused(config, &code).unwrap_or_else(|| other(&code)),
            }
        }
        429 => Said::Busy("the provider says later"),
        401 | 403 => Said::Done(Submitted::Refused { fault: Fault::Account, code: format!("http {status}") }),
        // A failing server may have passed the message on before it failed.
        408 | 500.. => uncertain("the provider failed"),
        _ => {
            let code = code.unwrap_or_else(|| format!("http {status}"));
            refused(config, &code).unwrap_or_else(|| other(&code))
        }
    }
}

/// The meaning of a code that the configuration lists.
fn refused(config: &HttpConfig, code: &str) -> Option<Said> {
    let is_in = |codes: &[String]| codes.iter().any(|known| known == code);
    if is_in(&config.busy_codes) {
        return Some(Said::Busy("the provider says later"));
    }
    let kinds =
        [(&config.number_faults, Fault::Number), (&config.text_faults, Fault::Text), (&config.account_faults, Fault::Account)];
    let (_, fault) = kinds.into_iter().find(|(codes, _)| is_in(codes))?;
    Some(Said::Done(Submitted::Refused { fault, code: plain(code, 64) }))
}

fn other(code: &str) -> Said {
    Said::Done(Submitted::Refused { fault: Fault::Refused, code: plain(code, 64) })
}

/// The string, number or truth value at a pointer, as text.
pub(super) fn text_at(document: &Value, pointer: &str) -> Option<String> {
    match document.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
