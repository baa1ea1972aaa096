//! The provider of a server without a gateway. It logs that a message was due, and reports that none was sent.

use std::{
    future::{Future, ready},
    pin::Pin,
};

use doorstep_domain::mask_number;

use crate::{Fault, Outgoing, Provider, Submitted, Submitting};

/// Writes one line for each message, with the number masked, and refuses the message: a log never claims that something was sent.
pub struct Log {
    line: Box<dyn Fn(&str) + Send + Sync>,
}

impl Log {
    /// Makes a provider that writes its lines with `line`.
    pub fn new(line: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { line: Box::new(line) }
    }
}

impl Provider for Log {
    fn submit<'a>(&'a self, message: &'a Outgoing) -> Submitting<'a> {
        let Outgoing { reference, to, segments, .. } = message;
        (self.line)(&format!(
            "sms {reference}: to {}, {} segments; not sent, no gateway is configured",
            mask_number(to),
            segments.count()
        ));
        Box::pin(ready(Submitted::Refused { fault: Fault::NoGateway, code: String::new() }))
    }

    fn stop(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(ready(()))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    use doorstep_rules::sms::Segments;

    use super::*;

    #[tokio::test]
    async fn a_log_masks_the_number_hides_the_text_and_claims_nothing() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = lines.clone();
        let log = Log::new(move |line: &str| kept.lock().unwrap().push(line.to_owned()));
        let text = "王先生/小姐,您好";
        let (to, text, segments) = ("13812345600".to_owned(), text.to_owned(), Segments::of(text));
        let validity = Duration::from_secs(60);
        let message = Outgoing { reference: "r1".to_owned(), to, text, segments, validity, extension: None };
        let said = log.submit(&message).await;
        assert_eq!(said, Submitted::Refused { fault: Fault::NoGateway, code: String::new() });
        let lines = lines.lock().unwrap();
        assert_eq!(*lines, ["sms r1: to 138******00, 1 segments; not sent, no gateway is configured"]);
        let shown = format!("{message:?}");
        assert!(!shown.contains("13812345600") && !shown.contains('王'), "{shown}");
    }
}
