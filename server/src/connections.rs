//! Limits the connections: how many are open at once, which one ends for a new one, and which ones end because their peer does
//! not read.
//!
//! A process can open only so many files. A stranger who opens sockets and sends nothing must not keep a device out, so the
//! number of connections is limited, and at the limit the one that was idle longest ends. A peer that sends requests and does not
//! read the answers would hold their memory: [`Connections::end_unread`] ends its connection. So would heads of requests that are never
//! whole: [`Unasked`] limits them.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use axum_server::accept::Accept;
use http_body::{Frame, SizeHint};
use prometheus_client::metrics::counter::Counter;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};

use crate::{
    timeouts::STALL,
    unasked::{Own, Unasked},
};

/// The number of files that are kept for other uses: the database, photos that are read and written, the log.
const RESERVE: u64 = 256;
/// The largest number of connections, even if the limit of open files permits more.
const MOST: u64 = 16_384;
/// The largest number of connections without a request. Each holds about 8 KiB, or 16 KiB with a head that is not whole, and a device
/// loses nothing if it must connect again.
const MOST_IDLE: usize = 2_048;
/// The interval of the search for unread answers.
pub(crate) const LOOK: Duration = Duration::from_secs(5);

/// The connections of one server.
pub(crate) struct Connections {
    most: usize,
    most_idle: usize,
    /// The open connections by the peer's address, without those that are ending.
    open: Mutex<BTreeMap<SocketAddr, Arc<Connection>>>,
    /// How many connections were ended for another.
    pub ended_for_another: Counter,
    /// How many connections were refused, because all were at work.
    pub refused: Counter,
    /// How many connections were ended, because their peer did not read an answer.
    pub unread: Counter,
    /// How many connections were ended, because there were too many bytes of heads that are not whole.
    pub head_ended: Counter,
    unasked: Unasked,
}

/// One connection.
struct Connection {
    /// Whether the connection must end. Its stream checks this.
    over: AtomicBool,
    /// The task that reads and writes the stream.
    waker: Mutex<Option<Waker>>,
    work: Mutex<Work>,
    /// The bytes that no request has taken yet.
    unasked: Own,
}

/// The present work of a connection.
struct Work {
    /// The number of requests whose answers have not ended.
    requests: usize,
    /// When the last of these ended.
    idle_since: Instant,
    /// The answers whose next part is ready, with the time since when the peer has not asked for it.
    unread: BTreeMap<u64, Instant>,
    next: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    fn new() -> Self {
        let work = Work { requests: 0, idle_since: Instant::now(), unread: BTreeMap::new(), next: 0 };
        Self { over: AtomicBool::new(false), waker: Mutex::default(), work: Mutex::new(work), unasked: Own::default() }
    }

    fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(waker) = lock(&self.waker).take() {
            waker.wake();
        }
    }

    /// Fails once the connection must end. Until then it stores the task's waker, so that the end wakes the task.
    fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        let mut waker = lock(&self.waker);
        if waker.as_ref().is_none_or(|known| !known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        if self.over.load(Ordering::SeqCst) { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

/// Raises this process's limit of open files as far as permitted, and returns how many connections fit below it.
pub(crate) fn most_by_files() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(MOST + RESERVE).min(MOST + RESERVE);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = rustix::process::Rlimit { current: Some(wanted), maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    most_below(limit.current.unwrap_or(MOST + RESERVE))
}

/// The connections below a limit of open files: the reserve is kept free, but never more than half of a small limit.
fn most_below(files: u64) -> usize {
    usize::try_from(files.saturating_sub(RESERVE).max(files / 2).min(MOST)).unwrap_or(1)
}

impl Connections {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most: most.max(1),
            most_idle: MOST_IDLE,
            open: Mutex::default(),
            ended_for_another: Counter::default(),
            refused: Counter::default(),
            unread: Counter::default(),
            head_ended: Counter::default(),
            unasked: Unasked::default(),
        })
    }

    /// Registers a connection. At a limit the connection that was idle longest ends for it; `None` if all are at work.
    fn enter(self: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let mut open = lock(&self.open);
        let is_full = open.len() >= self.most;
        if is_full || open.len() >= self.most_idle {
            let (mut idle, mut longest) = (0, None);
            for (peer, connection) in open.iter() {
                let work = lock(&connection.work);
                if work.requests == 0 {
                    idle += 1;
                    let since = (work.idle_since, *peer);
                    longest = Some(longest.map_or(since, |known: (Instant, SocketAddr)| known.min(since)));
                }
            }
            let longest = longest.filter(|_| is_full || idle >= self.most_idle);
            if is_full && longest.is_none() {
                self.refused.inc();
                return None;
            }
            if let Some(connection) = longest.and_then(|(_, peer)| open.remove(&peer)) {
                connection.end();
                self.ended_for_another.inc();
            }
        }
        let connection = Arc::new(Connection::new());
        open.insert(peer, connection.clone());
        drop(open);
        Some(Place { all: self.clone(), peer, connection })
    }

    /// Begins a request on a connection.
    fn begin(&self, peer: SocketAddr) -> Option<Busy> {
        let connection = lock(&self.open).get(&peer)?.clone();
        let mut work = lock(&connection.work);
        work.requests += 1;
        let answer = work.next;
        work.next += 1;
        drop(work);
        self.unasked.forget(&connection.unasked);
        Some(Busy { connection, answer })
    }

    /// Ends the connections with an answer whose next part has been ready for [`STALL`] and was not asked for. Returns their
    /// number.
    pub(crate) fn end_unread(&self) -> usize {
        let now = Instant::now();
        let mut open = lock(&self.open);
        let before = open.len();
        open.retain(|_, connection| {
            let is_stuck = lock(&connection.work).unread.values().any(|since| now.duration_since(*since) >= STALL);
            if is_stuck {
                connection.end();
                self.unread.inc();
            }
            !is_stuck
        });
        before - open.len()
    }
}

/// A connection's place, until dropped.
pub(crate) struct Place {
    all: Arc<Connections>,
    peer: SocketAddr,
    connection: Arc<Connection>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.all.open);
        // A new connection may already have the same address.
        if open.get(&self.peer).is_some_and(|there| Arc::ptr_eq(there, &self.connection)) {
            open.remove(&self.peer);
        }
        drop(open);
        self.all.unasked.forget(&self.connection.unasked);
    }
}

impl Place {
    /// Counts bytes that the peer has sent. Fails if they belong to no request and there are too many of these.
    fn came(&self, bytes: usize) -> io::Result<()> {
        if lock(&self.connection.work).requests > 0 || self.all.unasked.count(&self.connection.unasked, bytes) {
            return Ok(());
        }
        self.all.head_ended.inc();
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

/// A running request, until its answer has ended.
struct Busy {
    connection: Arc<Connection>,
    answer: u64,
}

impl Busy {
    /// Notes whether the peer is waited for.
    fn unread(&self, waits: bool) {
        let mut work = lock(&self.connection.work);
        if waits {
            work.unread.insert(self.answer, Instant::now());
        } else {
            work.unread.remove(&self.answer);
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut work = lock(&self.connection.work);
        work.unread.remove(&self.answer);
        work.requests = work.requests.saturating_sub(1);
        work.idle_since = Instant::now();
    }
}

/// Tracks each request of a connection until its answer has ended.
pub(crate) async fn watch(State(all): State<Arc<Connections>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let busy = peer.and_then(|peer| all.begin(peer));
    let response = next.run(request).await;
    let Some(busy) = busy else { return response };
    busy.unread(true);
    response.map(|body| Body::new(Watched { body, busy }))
}

/// The body of an answer that is tracked until its end.
struct Watched {
    body: Body,
    busy: Busy,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        // While no part is ready the peer waits for the server.
        self.busy.unread(frame.is_ready());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Accepts like `A`, within the limit of connections.
#[derive(Clone)]
pub(crate) struct Bounded<A> {
    pub all: Arc<Connections>,
    pub accept: A,
}

impl<A, S> Accept<TcpStream, S> for Bounded<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
    A::Stream: Send,
    S: Send,
{
    type Stream = Ending<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = stream.peer_addr().map(|peer| self.all.enter(peer));
        let accepting = self.accept.accept(stream, service);
        Box::pin(async move {
            let place = place?.ok_or(io::ErrorKind::ConnectionRefused)?;
            let mut accepting = Box::pin(accepting);
            // A handshake ends early if another connection needs the place.
            let (stream, service) = std::future::poll_fn(|cx| match place.connection.check(cx) {
                Ok(()) => accepting.as_mut().poll(cx),
                Err(over) => Poll::Ready(Err(over)),
            })
            .await?;
            Ok((Ending { stream, place }, service))
        })
    }
}

/// A stream that fails once its connection must end.
pub(crate) struct Ending<S> {
    stream: S,
    place: Place,
}

impl<S: AsyncRead + Unpin> AsyncRead for Ending<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.place.connection.check(cx)?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        Poll::Ready(self.place.came(buf.filled().len() - before))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Ending<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.place.connection.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.place.connection.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.place.connection.check(cx)?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.place.connection.check(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn over(all: &Connections, port: u16) -> bool {
        !lock(&all.open).contains_key(&peer(port))
    }

    #[test]
    fn any_limit_of_files_gives_a_number_of_connections_below_it() {
        let of = [0, 64, 1_024, 20_000, 524_288, u64::MAX].map(most_below);
        assert_eq!(of, [0, 32, 768, 16_384, 16_384, 16_384]);
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_most_the_longest_idle_connection_is_ended_for_a_newcomer_and_none_that_works() {
        let all = Connections::new(3);
        let places: Vec<_> = (1..=3).map(|port| all.enter(peer(port)).unwrap()).collect();
        let at_work = all.begin(peer(1)).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(all.begin(peer(2)).unwrap());
        let _fourth = all.enter(peer(4)).unwrap();
        assert!(!over(&all, 1), "at work");
        assert!(!over(&all, 2), "has worked a second ago");
        assert!(over(&all, 3), "has never said anything");
        let busy = (all.begin(peer(2)).unwrap(), all.begin(peer(4)).unwrap());
        assert!(all.enter(peer(5)).is_none(), "all are at work");
        assert_eq!((all.ended_for_another.get(), all.refused.get()), (1, 1));
        drop(busy);
        assert!(all.enter(peer(6)).is_some());
        drop((places, at_work));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_have_a_limit_of_their_own_and_those_at_work_do_not_count() {
        let all = Connections { most_idle: 2, ..Arc::into_inner(Connections::new(9)).unwrap() };
        let all = Arc::new(all);
        let _places: Vec<_> = (1..=3).map(|port| all.enter(peer(port)).unwrap()).collect();
        assert!(over(&all, 1), "two are idle already");
        let _work = all.begin(peer(2)).unwrap();
        let _fourth = all.enter(peer(4)).unwrap();
        assert!(!over(&all, 3), "two are idle, one works");
        let _fifth = all.enter(peer(5)).unwrap();
        assert!((over(&all, 3), over(&all, 2)) == (true, false));
        assert_eq!((all.ended_for_another.get(), all.refused.get()), (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_ends_its_connection_and_one_that_waits_for_us_does_not() {
        let all = Connections::new(3);
        let _places: Vec<_> = (1..=2).map(|port| all.enter(peer(port)).unwrap()).collect();
        let (unread, ours) = (all.begin(peer(1)).unwrap(), all.begin(peer(2)).unwrap());
        unread.unread(true);
        ours.unread(true);
        ours.unread(false);
        tokio::time::advance(STALL - Duration::from_secs(1)).await;
        assert_eq!(all.end_unread(), 0);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(all.end_unread(), 1);
        assert_eq!(all.unread.get(), 1);
        assert!(over(&all, 1));
        assert!(!over(&all, 2));
    }
}
