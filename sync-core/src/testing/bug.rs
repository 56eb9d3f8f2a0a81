//! Bugs made on purpose. A simulator that does not find them proves nothing.

macro_rules! bugs {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// A bug made on purpose.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Bug { $($(#[$doc])* $variant,)* }

        impl Bug {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in plans.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $text,)* } }

            /// Reads the name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

bugs! {
    /// The server says that a batch is accepted, and does not store it.
    LostAcknowledgement = "lost-acknowledgement",
    /// The feed skips a position.
    SkippedPosition = "skipped-position",
    /// A device that erases a record leaves its words in the search index.
    KeptWords = "kept-words",
    /// The server stores a group without its last record.
    HalfGroup = "half-group",
    /// The server says its verdicts before it commits.
    EarlyVerdict = "early-verdict",
}
