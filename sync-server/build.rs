//! Builds the program again when a migration is added: the macro that embeds the files is told by
//! nobody else of one that it has not read yet.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
