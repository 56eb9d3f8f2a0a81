//! Chunks put together byte by byte, for what no encoder writes. Used by the tests of the server too.

use sha2::{Digest, Sha256};

/// Gives a chunk whose bytes were altered the checksum that belongs to them.
pub(crate) fn seal(mut chunk: Vec<u8>) -> Vec<u8> {
    let digest = Sha256::digest(&chunk[8..]);
    chunk[4..8].copy_from_slice(&digest[..4]);
    chunk
}

fn leb(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// A chunk whose one column says that its value is repeated a great many times.
pub(crate) fn bomb(column: u64, run: u64) -> Vec<u8> {
    let mut data = Vec::new();
    leb(run, &mut data);
    data.push(1);
    of_columns(&[(column, &data)])
}

/// A first change of some writer, which names no other one, with these columns.
pub(crate) fn of_columns(columns: &[(u64, &[u8])]) -> Vec<u8> {
    let mut body = vec![0, 16];
    body.extend([9; 16]);
    body.extend([1, 1, 0, 0, 0]);
    leb(columns.len() as u64, &mut body);
    for (column, data) in columns {
        leb(*column, &mut body);
        leb(data.len() as u64, &mut body);
    }
    columns.iter().for_each(|(_, data)| body.extend(*data));
    let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1];
    leb(body.len() as u64, &mut chunk);
    chunk.extend(body);
    seal(chunk)
}
