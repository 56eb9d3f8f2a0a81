//! A relay on the way to Postgres or to a server that can be as bad as any network: its connections stay
//! open and nothing comes through, they carry little, or break after so many bytes.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rand::RngExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Connections numbered from here on are carried.
const NONE: u64 = u64::MAX;
/// Into how many pieces a second's bytes are cut on a slow line.
const PIECES_PER_SECOND: u64 = 10;

/// How good the network is.
#[derive(Clone, Debug)]
struct Network {
    /// The number of the first connection that is carried.
    carried_from: u64,
    /// Where connections lead that are made from now on.
    target: String,
    /// What a direction of a connection carries in a second; none when that is any number.
    bytes_per_s: Option<u64>,
    /// After how many bytes a connection that is made from now on breaks, drawn from this.
    breaks_after: Option<Range<u64>>,
}

pub(crate) struct Relay {
    port: u16,
    network: watch::Sender<Network>,
    /// How many connections were made.
    made: watch::Receiver<u64>,
}

impl Relay {
    /// Begins to carry connections to the database of an address.
    pub(crate) async fn start(database_url: &str) -> Self {
        Self::to(authority(database_url)).await
    }

    /// Begins to carry connections to a host and port.
    pub(crate) async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let network = watch::Sender::new(Network {
            carried_from: 0,
            target: target.to_owned(),
            bytes_per_s: None,
            breaks_after: None,
        });
        let (making, made) = watch::channel(0);
        let state = network.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = *making.borrow();
                making.send_replace(number + 1);
                tokio::spawn(carry(client, number, state.clone()));
            }
        });
        Self { port, network, made }
    }

    /// The address by which the database is reached through here.
    pub(crate) fn instead_of(&self, database_url: &str) -> String {
        let target = self.network.borrow().target.clone();
        database_url.replace(&target, &format!("127.0.0.1:{}", self.port))
    }

    /// The address by which devices reach a server through here.
    pub(crate) fn sync_url(&self) -> String {
        format!("ws://127.0.0.1:{}/sync", self.port)
    }

    /// How many connections were made so far.
    pub(crate) fn made(&self) -> u64 {
        *self.made.borrow()
    }

    /// Connections lead there from now on.
    pub(crate) fn aim(&self, target: String) {
        self.network.send_modify(|network| network.target = target);
    }

    /// What is open stays so and falls silent; what comes is carried.
    pub(crate) fn silence_open_connections(&self) {
        let made = self.made();
        self.network.send_modify(|network| network.carried_from = made);
    }

    /// Nothing is carried any more.
    pub(crate) fn silence_all(&self) {
        self.network.send_modify(|network| network.carried_from = NONE);
    }

    /// Connections that are made from here on are carried; those from before stay silent.
    pub(crate) fn let_through(&self) {
        self.silence_open_connections();
    }

    /// Carries so many bytes a second each way, of open connections too.
    pub(crate) fn slow(&self, bytes_per_s: u64) {
        self.network.send_modify(|network| network.bytes_per_s = Some(bytes_per_s));
    }

    /// Connections that are made from now on break after a number of bytes.
    pub(crate) fn breaking(&self, after: Range<u64>) {
        self.network.send_modify(|network| network.breaks_after = Some(after));
    }

    /// Everything is carried at once, and nothing breaks; what is silent stays silent.
    pub(crate) fn be_good(&self) {
        self.network.send_modify(|network| {
            (network.bytes_per_s, network.breaks_after) = (None, None);
        });
    }
}

/// Host and port of a database's address.
fn authority(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap();
    let (authority, _) = rest.rsplit_once('/').unwrap();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// Carries one connection until it ends, or until it is to be silent, and then holds it open for as long
/// as the test runs.
async fn carry(client: TcpStream, number: u64, network: watch::Receiver<Network>) {
    let Network { target, breaks_after, .. } = network.borrow().clone();
    // How many bytes it carries still, in both directions.
    let left = AtomicU64::new(breaks_after.map_or(u64::MAX, |of| rand::rng().random_range(of)));
    let (mut from_client, mut to_client) = client.into_split();
    let mut server = None;
    let both_ways = async {
        let stream = TcpStream::connect(target).await?;
        let (from_server, to_server) = server.insert(stream.into_split());
        // The end of either is the end of both.
        tokio::select! {
            ended = pump(&mut from_client, to_server, &left, &network) => ended,
            ended = pump(from_server, &mut to_client, &left, &network) => ended,
        }
    };
    let mut silent = network.clone();
    tokio::select! {
        biased;
        _ = silent.wait_for(|network| number < network.carried_from) => {}
        _ = both_ways => return,
    }
    std::future::pending::<()>().await;
    drop((from_client, to_client, server));
}

/// Carries one direction of a connection.
async fn pump(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    left: &AtomicU64,
    network: &watch::Receiver<Network>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let rate = network.borrow().bytes_per_s;
        let piece = rate.map_or(u64::MAX, |rate| (rate / PIECES_PER_SECOND).max(1));
        let most = usize::try_from(piece).unwrap().min(buffer.len());
        let count = from.read(&mut buffer[..most]).await?;
        if count == 0 {
            return Ok(());
        }
        if let Some(rate) = rate {
            tokio::time::sleep(Duration::from_millis(count as u64 * 1000 / rate)).await;
        }
        to.write_all(&buffer[..count]).await?;
        let before = left.fetch_sub((count as u64).min(left.load(Relaxed)), Relaxed);
        if before <= count as u64 {
            return Ok(());
        }
    }
}
