//! Timeouts of a connection. hyper bounds the wait for a request's headers, but only once it knows the version of HTTP, and it
//! waits for ever for the bytes that tell. This module bounds that wait.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum_server::accept::Accept;
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// A body without a byte for this long is given up, with its place: the phone that sent it has lost its network.
pub(crate) const STALL: Duration = Duration::from_secs(30);

/// The longest wait for the headers of a request, from the connection's start or from the answer before.
const HEADERS: Duration = Duration::from_secs(10);
/// An HTTP/2 peer that is silent for this long is pinged, and has as long again to answer.
const ALIVE: Duration = Duration::from_secs(20);
/// The number of bytes that tell HTTP/2 from HTTP/1.
const PREFACE: usize = 24;

/// The largest number of headers in a request. The HTTP library answers 431 beyond it.
const MOST_HEADERS: usize = 64;
/// The largest head of a request, in bytes. A larger one is answered with 431. A connection of HTTP/1 buffers no more, because a head
/// is kept until it is whole, and strangers may begin one on every connection that they are let in with.
const MAX_HEAD: usize = 16 * 1024;
/// The largest number of bytes that an HTTP/2 stream keeps for a peer that does not read.
const BUFFER: usize = 64 * 1024;
/// The largest number of requests at once on one HTTP/2 connection. A device sends few.
const MOST_STREAMS: u32 = 32;

/// Sets the limits of both protocols.
pub(crate) fn bound(builder: &mut Builder<TokioExecutor>) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_headers(MOST_HEADERS).max_buf_size(MAX_HEAD);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).keep_alive_interval(ALIVE).keep_alive_timeout(ALIVE);
    http2.max_header_list_size(MAX_HEAD as u32).max_concurrent_streams(MOST_STREAMS).max_send_buf_size(BUFFER);
}

/// Accepts like `A`, and gives the connection ten seconds for its first bytes.
#[derive(Clone)]
pub(crate) struct Timeouts<A>(pub A);

impl<A, I, S> Accept<I, S> for Timeouts<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
{
    type Stream = Hurried<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let accepting = self.0.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            Ok((Hurried { stream, wait: Some((Box::pin(tokio::time::sleep(HEADERS)), PREFACE)) }, service))
        })
    }
}

/// A connection whose first bytes have a deadline.
pub(crate) struct Hurried<S> {
    stream: S,
    /// The deadline and the number of bytes still to come; `None` once they have come.
    wait: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Hurried<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let Some((until, missing)) = &mut self.wait else { return read };
        if read.is_pending() {
            ready!(until.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        *missing = missing.saturating_sub(buf.filled().len() - before);
        if *missing == 0 {
            self.wait = None;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Hurried<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum_server::accept::DefaultAcceptor;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    // The paused clock jumps when every task waits, so the test takes no ten seconds.
    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_is_given_up_and_one_that_spoke_is_not() {
        let (mut client, server) = duplex(64);
        let (mut server, ()) = Timeouts(DefaultAcceptor).accept(server, ()).await.unwrap();
        client.write_all(b"PRI * HTTP").await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(server.read(&mut buffer).await.unwrap(), 10);
        assert_eq!(server.read(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::TimedOut);

        let (mut client, server) = duplex(64);
        let (mut server, ()) = Timeouts(DefaultAcceptor).accept(server, ()).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        client.write_all(request).await.unwrap();
        assert_eq!(server.read(&mut buffer).await.unwrap(), request.len());
        assert!(tokio::time::timeout(HEADERS * 3, server.read(&mut buffer)).await.is_err(), "hyper's turn to wait");
    }
}
