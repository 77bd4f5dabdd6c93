//! Servers that do not answer as they should, seen from their side of a connection.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How a server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    #[default]
    Usual,
    /// Connections wait to be taken.
    AcceptsNobody,
    /// What is sent to it meanwhile is never read, and its connection never again.
    Deaf,
    /// It does what it is asked, and its answer never leaves; nor does any other of the connection.
    Mute,
    /// A byte at a time, with this between two.
    Slow(Duration),
}

/// The manners of all servers. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub struct Manners(Arc<Mutex<BTreeMap<&'static str, Manner>>>);

impl Manners {
    pub fn set(&self, server: &'static str, manner: Manner) {
        self.0.lock().unwrap().insert(server, manner);
    }

    pub fn of(&self, server: &'static str) -> Manner {
        self.0.lock().unwrap().get(server).copied().unwrap_or_default()
    }
}

/// A server's end of a connection.
pub struct Mannered<S> {
    stream: S,
    server: &'static str,
    manners: Manners,
    deaf: bool,
    mute: bool,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S> Mannered<S> {
    pub const fn new(stream: S, server: &'static str, manners: Manners) -> Self {
        Self { stream, server, manners, deaf: false, mute: false, pause: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Mannered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if !self.deaf {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            let read = buffer.filled().len() > before;
            if !read || self.manners.of(self.server) != Manner::Deaf {
                return Poll::Ready(Ok(()));
            }
            buffer.set_filled(before);
            self.deaf = true;
        }
        // Nobody wakes it: it hears no end either.
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Mannered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let manner = self.manners.of(self.server);
        if manner == Manner::Mute {
            self.mute = true;
        }
        if self.mute {
            return Poll::Ready(Ok(bytes.len()));
        }
        let Manner::Slow(pause) = manner else {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        };
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
        }
        let some = &bytes[..bytes.len().min(1)];
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, some))?;
        #[allow(
            clippy::disallowed_methods,
            reason = "the time of the network, not of the operator"
        )]
        let sleep = tokio::time::sleep(pause);
        self.pause = Some(Box::pin(sleep));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
