//! Which server to speak to, and as whom.

use std::sync::Arc;

use sync_core::replica::{LinkOptions, Timing, Tokens};
use tokio::sync::Mutex;

use crate::TokenSource;
use crate::token::AnySource;

/// What the server is told of us, unless the app says more.
const APP: &str = concat!("client-sdk ", env!("CARGO_PKG_VERSION"));

/// A server, and where the tokens for it come from.
pub struct Server {
    pub(crate) options: LinkOptions,
    pub(crate) source: Arc<Mutex<Box<dyn AnySource>>>,
}

impl Server {
    /// The server at this address, `wss://HOST/sync`.
    pub fn new(url: impl Into<String>, source: impl TokenSource) -> Self {
        let tokens: Tokens = source.tokens();
        let options = LinkOptions {
            app: APP.to_owned(),
            server: url.into(),
            tokens,
            timing: Timing::default(),
        };
        Self { options, source: Arc::new(Mutex::new(Box::new(source))) }
    }

    /// Says the app's name and version to the server's operator.
    pub fn app(mut self, name_and_version: impl Into<String>) -> Self {
        self.options.app = name_and_version.into();
        self
    }

    /// Other intervals than the usual ones.
    pub fn timing(mut self, timing: Timing) -> Self {
        self.options.timing = timing;
        self
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("options", &self.options).finish_non_exhaustive()
    }
}
