//! Pages as they are packed, unpacked to the size that they claim and no further.

use std::io::Read;

use parquet::basic::Compression;

/// The bytes of a page.
///
/// # Errors
/// Why it cannot be unpacked, or that it is not of the size that it claims.
pub(super) fn unpack(packed: &[u8], codec: Compression, size: usize) -> Result<Vec<u8>, String> {
    let bytes = match codec {
        Compression::UNCOMPRESSED => packed.to_vec(),
        Compression::SNAPPY => snappy(packed, size)?,
        Compression::GZIP(_) => stream(flate2::read::MultiGzDecoder::new(packed), size)?,
        Compression::BROTLI(_) => {
            stream(brotli_decompressor::Decompressor::new(packed, 4096), size)?
        }
        Compression::ZSTD(_) => zstd(packed, size)?,
        Compression::LZ4_RAW => lz4(packed, size)?,
        Compression::LZ4 => hadoop(packed, size).map_or_else(|| lz4(packed, size), Ok)?,
        Compression::LZO => return Err("packed by LZO, which is not read".to_owned()),
    };
    if bytes.len() != size {
        return Err(format!("a page of {} bytes claims to have {size}", bytes.len()));
    }
    Ok(bytes)
}

fn stream(packed: impl Read, size: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let limit = (size as u64).saturating_add(1);
    packed.take(limit).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn snappy(packed: &[u8], size: usize) -> Result<Vec<u8>, String> {
    let words = |error: snap::Error| error.to_string();
    if snap::raw::decompress_len(packed).map_err(words)? != size {
        return Err("a page is not of the size that it claims".to_owned());
    }
    snap::raw::Decoder::new().decompress_vec(packed).map_err(words)
}

fn zstd(packed: &[u8], size: usize) -> Result<Vec<u8>, String> {
    // no more is written than there is room for
    let mut bytes = Vec::with_capacity(size);
    let mut decoder = ruzstd::decoding::FrameDecoder::new();
    decoder.decode_all_to_vec(packed, &mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn lz4(packed: &[u8], size: usize) -> Result<Vec<u8>, String> {
    lz4_flex::block::decompress(packed, size).map_err(|error| error.to_string())
}

/// LZ4 as Hadoop frames it: blocks, each behind its sizes unpacked and packed, with the high byte
/// first. Nothing if it is not framed so.
fn hadoop(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = packed;
    while !rest.is_empty() {
        let (unpacked, after) = rest.split_first_chunk()?;
        let (length, after) = after.split_first_chunk()?;
        let unpacked = u32::from_be_bytes(*unpacked) as usize;
        let (block, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        if unpacked > size - bytes.len() {
            return None;
        }
        let block = lz4(block, unpacked).ok().filter(|block| block.len() == unpacked)?;
        bytes.extend(block);
        rest = after;
    }
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_page_that_grows_beyond_its_claim_is_refused() {
        let text = vec![b'a'; 100_000];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&text).unwrap();
        let gzip = gzip.finish().unwrap();
        let snappy = snap::raw::Encoder::new().compress_vec(&text).unwrap();
        let block = lz4_flex::block::compress(&text);
        let sizes = [text.len() as u32, block.len() as u32].map(u32::to_be_bytes).concat();
        let framed = [sizes, block.clone()].concat();
        let all = [
            (gzip, Compression::GZIP(Default::default())),
            (snappy, Compression::SNAPPY),
            (block.clone(), Compression::LZ4_RAW),
            (block, Compression::LZ4),
            (framed, Compression::LZ4),
        ];
        for (packed, codec) in all {
            assert_eq!(unpack(&packed, codec, text.len()).unwrap(), text, "{codec:?}");
            assert!(unpack(&packed, codec, 1000).is_err(), "{codec:?}");
            assert!(unpack(&packed, codec, 200_000).is_err(), "{codec:?}");
            let half = packed.get(..packed.len() / 2).unwrap();
            assert!(unpack(half, codec, text.len()).is_err(), "{codec:?}");
        }
        assert!(unpack(&text, Compression::ZSTD(Default::default()), 1000).is_err());
        assert!(unpack(&text, Compression::BROTLI(Default::default()), 1000).is_err());
        assert!(unpack(b"", Compression::LZO, 1).is_err());
    }
}
