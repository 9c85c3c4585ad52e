//! Writes a matrix in NumPy's `.npy` format, version 1.0.

use std::io::{self, Write};

/// Width that NumPy pads the preamble to.
const ALIGNMENT: usize = 64;
/// Magic, version and the two bytes of the header's length.
const PREAMBLE_LEN: usize = 10;

/// Writes `data`, rows of `dim` values, as little-endian f32 in C order.
///
/// Format: NumPy enhancement proposal 1 (Kern 2007).
pub(crate) fn write(out: &mut dyn Write, dim: usize, data: &[f32]) -> io::Result<()> {
    let row_count = data.len().checked_div(dim).unwrap_or(0);
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({row_count}, {dim}), }}");
    let unpadded = PREAMBLE_LEN + header.len() + 1;
    header.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(ALIGNMENT) - unpadded));
    header.push('\n');
    let header_len = u16::try_from(header.len()).map_err(io::Error::other)?;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&header_len.to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    let bytes: Vec<u8> = data.iter().flat_map(|value| value.to_le_bytes()).collect();
    out.write_all(&bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_aligned_and_names_the_shape() {
        let mut bytes = Vec::new();
        write(&mut bytes, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let header_len = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((PREAMBLE_LEN + header_len) % ALIGNMENT, 0);
        let header = std::str::from_utf8(&bytes[PREAMBLE_LEN..PREAMBLE_LEN + header_len]).unwrap();
        assert!(header.contains("'shape': (2, 3)") && header.ends_with('\n'));
        assert_eq!(bytes.len(), PREAMBLE_LEN + header_len + 24);
        assert_eq!(&bytes[bytes.len() - 4..], 6.0f32.to_le_bytes());
    }
}
