//! Makes a link to the SMSC: TCP, TLS, and the bind.

use std::{io, sync::Arc};

use rusmpp::{Command, CommandStatus, Pdu};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::pdu::{Frames, Incoming, bind, bytes_of};
use crate::{ConfigError, Secret, SmppConfig, tls::client_config};

/// A byte stream in both directions, encrypted or not.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A bound link.
pub(super) struct Link {
    pub(super) frames: Frames<ReadHalf<Box<dyn Wire>>>,
    pub(super) writer: WriteHalf<Box<dyn Wire>>,
}

/// Makes links. It has read the files once.
pub(super) struct Dialer {
    config: Arc<SmppConfig>,
    password: Secret,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why there is no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoLink {
    /// The connection failed, ended or was silent before the bind was answered.
    Unreachable(&'static str),
    /// The SMSC answered the bind with this status.
    BindRefused(u32),
}

impl Dialer {
    pub(super) fn new(config: Arc<SmppConfig>) -> Result<Self, ConfigError> {
        let password = config.secret()?;
        let tls = if config.tls {
            Some((TlsConnector::from(Arc::new(client_config("smpp.ca_file", config.ca_file.as_deref())?)), server_name(&config)?))
        } else {
            None
        };
        Ok(Self { config, password, tls })
    }

    pub(super) async fn dial(&self) -> Result<Link, NoLink> {
        let wait = self.config.response_seconds;
        let wire = timeout(wait, self.wire()).await.map_err(|_| NoLink::Unreachable("no connection in time"))??;
        let (reader, mut writer) = split(wire);
        let mut frames = Frames::new(reader);
        timeout(wait, self.bind(&mut frames, &mut writer))
            .await
            .map_err(|_| NoLink::Unreachable("the bind was not answered in time"))??;
        Ok(Link { frames, writer })
    }

    async fn wire(&self) -> Result<Box<dyn Wire>, NoLink> {
        let address = (self.config.host.as_str(), self.config.port);
        let stream = TcpStream::connect(address).await.map_err(|_| NoLink::Unreachable("no connection"))?;
        stream.set_nodelay(true).ok();
        let Some((connector, name)) = &self.tls else { return Ok(Box::new(stream)) };
        let stream = connector.connect(name.clone(), stream).await.map_err(|fault| NoLink::Unreachable(tls_fault(&fault)))?;
        Ok(Box::new(stream))
    }

    async fn bind<R, W>(&self, frames: &mut Frames<R>, writer: &mut W) -> Result<(), NoLink>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let ended = |_| NoLink::Unreachable("the link ended before the bind was answered");
        let pdu = bind(&self.config, self.password.bare()).map_err(|unfit| NoLink::Unreachable(unfit.0))?;
        writer.write_all(&bytes_of(CommandStatus::EsmeRok, 1, pdu)).await.map_err(ended)?;
        writer.flush().await.map_err(ended)?;
        loop {
            let Some(Incoming::Command(command)) = frames.next().await.map_err(ended)? else {
                return Err(ended(io::ErrorKind::UnexpectedEof.into()));
            };
            let status = u32::from(command.status());
            match answer_to_bind(&command) {
                Some(()) if status == 0 => return Ok(()),
                Some(()) => return Err(NoLink::BindRefused(status)),
                // Before the bind other PDUs are ignored.
                None => {}
            }
        }
    }
}

fn answer_to_bind(command: &Command) -> Option<()> {
    use rusmpp::CommandId::{BindTransceiverResp, GenericNack};
    let is_answer =
        matches!(command.id(), BindTransceiverResp | GenericNack) || matches!(command.pdu(), Some(Pdu::BindTransceiverResp(_)));
    is_answer.then_some(())
}

fn tls_fault(fault: &io::Error) -> &'static str {
    match fault.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_)) => "TLS: the SMSC's certificate is not trusted",
        Some(_) => "TLS: the handshake failed",
        None => "TLS: the link ended in the handshake",
    }
}

fn server_name(config: &SmppConfig) -> Result<ServerName<'static>, ConfigError> {
    let name = config.server_name.as_ref().unwrap_or(&config.host).clone();
    ServerName::try_from(name).map_err(|_| ConfigError::Value {
        key: "smpp.server_name",
        fault: "must be the name or address that the SMSC's certificate has".to_owned(),
    })
}
