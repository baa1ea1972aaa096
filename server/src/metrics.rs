//! What the server counts for its operator, as a page in the text form of Prometheus.
//!
//! Label values come from fixed sets (the router's patterns, statuses, codes, names of this program), so that memory stays flat
//! whatever devices send.

use std::sync::Arc;

use axum::{extract::MatchedPath, response::Response};
use doorstep_protocol::ErrorCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use crate::{
    connections::Connections, error::ApiError, gauges::Gauges, guesses::Guesses, in_flight::InFlight, store::db::Writing,
    strangers::Strangers, supervise::Restarts,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Coded {
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limited {
    limit: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

/// The counts of answers. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    requests: Family<Answered, Counter>,
    refusals: Family<Coded, Counter>,
}

impl Metrics {
    /// Counts an answer. `route` is the router's pattern; `None` is an address that the router does not have.
    pub(crate) fn count(&self, route: Option<&MatchedPath>, response: &Response) {
        let route = route.map_or("other", MatchedPath::as_str).to_owned();
        self.requests.get_or_create(&Answered { route, status: response.status().as_u16() }).inc();
        if let Some(code) = response.extensions().get::<ErrorCode>() {
            let code = if ErrorCode::ALL.contains(code) { code.as_str() } else { "other" };
            self.refusals.get_or_create(&Coded { code: code.to_owned() }).inc();
        }
    }
}

/// The places that count while the server runs.
pub(crate) struct Counting {
    pub metrics: Metrics,
    pub restarts: Restarts,
    pub writing: Writing,
    pub connections: Arc<Connections>,
    pub strangers: Arc<Strangers>,
    pub bodies: Arc<InFlight>,
    pub streams: Arc<InFlight>,
    pub guesses: Arc<Guesses>,
}

impl Counting {
    /// The page. `gauges` are the values that the database has; `None` if it could not be read.
    pub(crate) fn page(&self, gauges: Option<&Gauges>) -> Result<String, ApiError> {
        let mut all = Registry::with_prefix("doorstep");
        all.register("requests", "Answered requests by the router's pattern and the status", self.metrics.requests.clone());
        all.register("refused_requests", "Requests that were answered with an error, by its code", self.metrics.refusals.clone());
        all.register("limits", "How often a limit was hit", self.limits());
        all.register("loop_restarts", "How often a loop beside the requests was started again", self.restarts.0.clone());
        self.writing.register(&mut all);
        let read = Gauge::<i64>::default();
        read.set(i64::from(gauges.is_some()));
        all.register("database_read", "1: the database was read for this page; 0: its values are missing", read);
        if let Some(gauges) = gauges {
            register(&mut all, gauges);
        }
        let mut page = String::new();
        prometheus_text::encode(&mut page, &all).map_err(|_| ApiError::Internal("the operator's page"))?;
        Ok(page)
    }

    fn limits(&self) -> Family<Limited, Counter> {
        let family = Family::<Limited, Counter>::default();
        for (limit, hit) in [
            ("connection_ended_for_another", &self.connections.ended_for_another),
            ("connection_refused", &self.connections.refused),
            ("answer_unread", &self.connections.unread),
            ("head_ended", &self.connections.head_ended),
            ("stranger_body_ended", &self.strangers.ended),
            ("device_bodies", &self.bodies.refused),
            ("device_streams", &self.streams.refused),
            ("guess_waits", &self.guesses.refused),
            ("writer_queue_full", &self.writing.full),
        ] {
            family.get_or_create(&Limited { limit }).inc_by(hit.get());
        }
        family
    }
}

fn register(all: &mut Registry, gauges: &Gauges) {
    let gauge = |value: u64| {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        gauge
    };
    let Gauges { unprojected, unprojected_seconds, sms, quarantined, unsent } = gauges;
    all.register("unprojected_cases", "Cases with changes that the list does not show yet", gauge(*unprojected));
    all.register_with_unit(
        "unprojected_age",
        "Age of the oldest change that the list does not show yet",
        Unit::Seconds,
        gauge(*unprojected_seconds),
    );
    let by_state = Family::<InState, Gauge>::default();
    for (state, count) in sms {
        by_state.get_or_create(&InState { state: state.as_str() }).set(i64::try_from(*count).unwrap_or(i64::MAX));
    }
    all.register("sms", "SMS by state", by_state);
    all.register("quarantined_changes", "Refused changes that wait for a decision", gauge(*quarantined));
    all.register("unsent_devices", "Devices whose last report names unsent work", gauge(unsent.devices));
    all.register("unsent_cases", "Cases with unsent changes, by the devices' last reports", gauge(unsent.cases));
    all.register("unsent_photos", "Photos whose bytes are unsent, by the devices' last reports", gauge(unsent.photos));
    all.register_with_unit(
        "unsent_age",
        "Age of the oldest unsent action, by the devices' last reports",
        Unit::Seconds,
        gauge(unsent.oldest_seconds),
    );
}
