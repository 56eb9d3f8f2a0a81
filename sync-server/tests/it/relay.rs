//! A relay on the way to Postgres that can fall silent: its connections stay open, and nothing comes
//! through.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Connections numbered from here on are carried.
const NONE: u64 = u64::MAX;

pub(crate) struct Relay {
    port: u16,
    target: String,
    /// The number of the first connection that is carried.
    carried_from: watch::Sender<u64>,
    /// How many were made.
    made: watch::Receiver<u64>,
}

impl Relay {
    /// Begins to carry connections to the database of an address.
    pub(crate) async fn start(database_url: &str) -> Self {
        let target = authority(database_url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (carried_from, carried) = watch::channel(0);
        let (making, made) = watch::channel(0);
        let to = target.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = *making.borrow();
                making.send_replace(number + 1);
                tokio::spawn(carry(client, to.clone(), number, carried.clone()));
            }
        });
        Self { port, target, carried_from, made }
    }

    /// The address by which the database is reached through here.
    pub(crate) fn instead_of(&self, database_url: &str) -> String {
        database_url.replace(&self.target, &format!("127.0.0.1:{}", self.port))
    }

    /// What is open stays so and falls silent; what comes is carried.
    pub(crate) fn silence_open_connections(&self) {
        self.carried_from.send_replace(*self.made.borrow());
    }

    /// Nothing is carried any more.
    pub(crate) fn silence_all(&self) {
        self.carried_from.send_replace(NONE);
    }

    /// Connections that are made from here on are carried; those from before stay silent.
    pub(crate) fn let_through(&self) {
        self.silence_open_connections();
    }
}

/// Host and port of a database's address.
fn authority(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap();
    let (authority, _) = rest.rsplit_once('/').unwrap();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// Carries one connection until it is to be silent, and then holds it open for as long as the test runs.
async fn carry(
    mut client: TcpStream,
    target: String,
    number: u64,
    mut carried: watch::Receiver<u64>,
) {
    let mut upstream = None;
    let both_ways = async {
        let upstream = upstream.insert(TcpStream::connect(target).await?);
        copy_bidirectional(&mut client, upstream).await
    };
    tokio::select! {
        biased;
        _ = carried.wait_for(|from| number < *from) => {}
        _ = both_ways => return,
    }
    std::future::pending::<()>().await;
    drop((client, upstream));
}
