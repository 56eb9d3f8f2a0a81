//! The server's end, driven by hand: what a session asks for, what a commit does when one change of many
//! breaks it, and how much work judging takes.

mod commit;
mod effort;
mod room;
mod session;
