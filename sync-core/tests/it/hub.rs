//! The server's end, driven by hand: what a session asks for, and what a commit does when one change
//! of many breaks it.

mod commit;
mod session;
