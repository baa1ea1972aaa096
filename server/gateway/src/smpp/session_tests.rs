//! The outcomes at the end of a link whose peer does not read.

use tokio::{
    io::{DuplexStream, duplex, split},
    sync::Semaphore,
};

use super::{super::link::Wire, *};
use crate::GatewayConfig;

fn config() -> SmppConfig {
    let toml = "provider = \"smpp\"\n[smpp]\nhost = \"x\"\nport = 1\nsystem_id = \"x\"\npassword = \"x\"\nsource_addr = \"1\"\ntls = false";
    match GatewayConfig::parse(toml).unwrap() {
        GatewayConfig::Smpp(config) => *config,
        other => panic!("{other:?}"),
    }
}

async fn job(jobs: &mpsc::Sender<Job>) -> oneshot::Receiver<Part> {
    let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    let (answer, answered) = oneshot::channel();
    jobs.send(Job { submit: SubmitSm::default(), answer, permit }).await.unwrap();
    answered
}

/// Submits twice on a link that ends after taking `room` bytes.
async fn end_with(room: usize) -> (Part, Part) {
    let (mut near, far): (DuplexStream, DuplexStream) = duplex(64);
    near.write_all(&vec![0; 64 - room]).await.unwrap();
    let (reader, writer) = split(Box::new(near) as Box<dyn Wire>);
    let (events, _receiver) = mpsc::channel(1);
    let teller = Teller { events, joiner: Default::default(), answer_within: Duration::from_secs(1) };
    let (_stopping, is_stopping) = watch::channel(false);
    let stop = Stop { is_stopping, messages: Arc::default() };
    let (jobs, queue) = mpsc::channel(1);
    let running = tokio::spawn(async move {
        let config = config();
        Session::new(&config, teller, stop).run(Link { frames: Frames::new(reader), writer }, queue).await
    });
    // The queue has room for the second only after the first was taken out.
    let (first, second) = (job(&jobs).await, job(&jobs).await);
    // The first write has begun, because both tasks share one thread and it is the only thing to do.
    tokio::task::yield_now().await;
    drop(far);
    running.await.unwrap();
    (first.await.unwrap(), second.await.unwrap())
}

#[tokio::test]
async fn a_submit_of_which_the_connection_took_a_byte_is_lost_and_the_queue_was_not_written() {
    let (first, second) = end_with(1).await;
    assert!(matches!(first, Part::Lost(_)), "{first:?}");
    assert_eq!(second, Part::NotWritten);
}

#[tokio::test]
async fn a_submit_of_which_the_connection_took_no_byte_was_not_written() {
    assert_eq!(end_with(0).await, (Part::NotWritten, Part::NotWritten));
}
