//! The provider of a server without a gateway. It tells that a message was due, and reports that none was sent.

use std::{
    future::{Future, ready},
    pin::Pin,
};

use crate::{Fault, Outgoing, Provider, Submitted, Submitting};

/// Tells of each message its reference and its number of segments, neither number nor text, and refuses the message: a log never
/// claims that something was sent.
pub struct Log {
    tell: Tell,
}

/// Told of each message: its reference and its number of segments.
type Tell = Box<dyn Fn(&str, usize) + Send + Sync>;

impl Log {
    /// Makes a provider that tells of messages with `tell`.
    pub fn new(tell: impl Fn(&str, usize) + Send + Sync + 'static) -> Self {
        Self { tell: Box::new(tell) }
    }
}

impl Provider for Log {
    fn submit<'a>(&'a self, message: &'a Outgoing) -> Submitting<'a> {
        (self.tell)(&message.reference, message.segments.count());
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
    async fn a_log_hides_the_number_and_the_text_and_claims_nothing() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = told.clone();
        let log = Log::new(move |reference: &str, segments| kept.lock().unwrap().push((reference.to_owned(), segments)));
        let text = "王先生/小姐,您好";
        let (to, text, segments) = ("13812345600".to_owned(), text.to_owned(), Segments::of(text));
        let validity = Duration::from_secs(60);
        let message = Outgoing { reference: "r1".to_owned(), to, text, segments, validity, extension: None };
        let said = log.submit(&message).await;
        assert_eq!(said, Submitted::Refused { fault: Fault::NoGateway, code: String::new() });
        assert_eq!(*told.lock().unwrap(), [("r1".to_owned(), 1)]);
        let shown = format!("{message:?}");
        assert!(!shown.contains("13812345600") && !shown.contains('王'), "{shown}");
    }
}
