//! Pictures of a PDF as files that a recognizer can open.

use lopdf::{Dictionary, Document, Object, Stream};

use crate::document::vocabulary::PictureFormat;

/// Samples that a picture may unpack to.
const MAX_SAMPLE_BYTES: usize = 256 << 20;

/// A picture as a file, if it can be made into one: JPEG, JPEG 2000, fax, and bare samples in grey
/// or colour.
pub(super) fn file_of(file: &Document, image: &Stream) -> Option<(Vec<u8>, PictureFormat)> {
    match image.filters().unwrap_or_default().as_slice() {
        [b"DCTDecode"] => Some((image.content.clone(), PictureFormat::Jpeg)),
        [b"JPXDecode"] => Some((image.content.clone(), PictureFormat::Jpeg2000)),
        [b"CCITTFaxDecode"] => Some((fax(file, image)?, PictureFormat::Tiff)),
        _ => Some((samples(file, image)?, PictureFormat::Pnm)),
    }
}

/// Points of a side from which on a picture shows something: smaller ones are rules and marks.
const MIN_SIDE: usize = 32;

/// The pictures among `images` that show something.
pub(super) fn count(file: &Document, images: &[&Stream]) -> u64 {
    let shows = |image: &&&Stream| {
        size(file, image).is_some_and(|(width, height)| width.min(height) >= MIN_SIDE)
    };
    images.iter().filter(shows).count() as u64
}

fn number(file: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<i64> {
    dictionary.get_deref(key, file).ok()?.as_i64().ok()
}

/// Width and height, both above 0.
fn size(file: &Document, image: &Stream) -> Option<(usize, usize)> {
    let side = |key| usize::try_from(number(file, &image.dict, key)?).ok().filter(|&side| side > 0);
    Some((side(b"Width")?, side(b"Height")?))
}

/// What one sample stands for: bytes of grey or colour.
enum ColorSpace {
    Direct { channels: usize },
    Palette { channels: usize, colours: Vec<u8> },
}

fn space(file: &Document, object: &Object) -> Option<ColorSpace> {
    let (_, object) = file.dereference(object).ok()?;
    let parts = match object {
        Object::Array(parts) => parts.as_slice(),
        _ => std::slice::from_ref(object),
    };
    match parts.first()?.as_name().ok()? {
        b"DeviceGray" | b"CalGray" | b"G" => Some(ColorSpace::Direct { channels: 1 }),
        b"DeviceRGB" | b"CalRGB" | b"RGB" => Some(ColorSpace::Direct { channels: 3 }),
        b"ICCBased" => {
            let (_, profile) = file.dereference(parts.get(1)?).ok()?;
            let channels = number(file, &profile.as_stream().ok()?.dict, b"N")?;
            let channels = usize::try_from(channels).ok().filter(|count| matches!(count, 1 | 3))?;
            Some(ColorSpace::Direct { channels })
        }
        b"Indexed" | b"I" => {
            let ColorSpace::Direct { channels } = space(file, parts.get(1)?)? else { return None };
            let (_, table) = file.dereference(parts.get(3)?).ok()?;
            let colours = match table {
                Object::String(bytes, _) => bytes.clone(),
                Object::Stream(stream) => {
                    stream.get_plain_content_with_limit(MAX_SAMPLE_BYTES).ok()?
                }
                _ => return None,
            };
            Some(ColorSpace::Palette { channels, colours })
        }
        _ => None,
    }
}

/// Bare samples as a file of netpbm, a byte for each channel.
fn samples(file: &Document, image: &Stream) -> Option<Vec<u8>> {
    let (width, height) = size(file, image)?;
    let samples = image.get_plain_content_with_limit(MAX_SAMPLE_BYTES).ok()?;
    let is_mask =
        image.dict.get_deref(b"ImageMask", file).and_then(Object::as_bool).unwrap_or(false);
    let bits = if is_mask { 1 } else { number(file, &image.dict, b"BitsPerComponent")? };
    let bits = usize::try_from(bits).ok().filter(|bits| matches!(bits, 1 | 2 | 4 | 8))?;
    let space = match image.dict.get(b"ColorSpace") {
        Ok(object) => space(file, object)?,
        Err(_) => ColorSpace::Direct { channels: 1 },
    };
    let (channels, per_pixel) = match &space {
        ColorSpace::Direct { channels } => (*channels, *channels),
        ColorSpace::Palette { channels, .. } => (*channels, 1),
    };
    let row_samples = width.checked_mul(per_pixel)?;
    let row_bytes = row_samples.checked_mul(bits)?.div_ceil(8);
    if width.checked_mul(height)?.checked_mul(channels)? > MAX_SAMPLE_BYTES {
        return None;
    }
    let magic = if channels == 1 { "P5" } else { "P6" };
    let mut bytes = format!("{magic}\n{width} {height}\n255\n").into_bytes();
    let most = (1_usize << bits) - 1;
    for row in samples.get(..row_bytes.checked_mul(height)?)?.chunks_exact(row_bytes) {
        for index in 0..row_samples {
            let bit = index * bits;
            let sample = usize::from(*row.get(bit / 8)?) >> (8 - bits - bit % 8) & most;
            match &space {
                ColorSpace::Direct { .. } => bytes.push((sample * 255 / most) as u8),
                ColorSpace::Palette { colours, .. } => {
                    let at = sample * channels;
                    bytes.extend(colours.get(at..at + channels)?);
                }
            }
        }
    }
    Some(bytes)
}

/// A fax (ITU-T T.4 and T.6) behind the header of a TIFF with one strip (TIFF 6.0, sections 2 and
/// 11).
fn fax(file: &Document, image: &Stream) -> Option<Vec<u8>> {
    let (width, height) = size(file, image)?;
    let parameters = match image.dict.get_deref(b"DecodeParms", file) {
        Ok(Object::Array(all)) => file.dereference(all.first()?).ok()?.1.as_dict().ok(),
        Ok(object) => object.as_dict().ok(),
        Err(_) => None,
    };
    let parameter = |key: &[u8]| parameters.and_then(|p| number(file, p, key));
    let is_black_1 = parameters
        .and_then(|p| p.get_deref(b"BlackIs1", file).ok()?.as_bool().ok())
        .unwrap_or(false);
    let dimensions = parameter(b"K").unwrap_or(0);
    let columns = parameter(b"Columns").and_then(|columns| u32::try_from(columns).ok());
    let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    // tag, type (3 short, 4 long), value; in the order of their tags
    let entries: [(u16, u16, u32); 9] = [
        (256, 4, columns.unwrap_or(width)),
        (257, 4, height),
        (258, 3, 1),
        (259, 3, if dimensions < 0 { 4 } else { 3 }),
        (262, 3, u32::from(is_black_1)),
        (273, 4, 8 + 2 + 9 * 12 + 4),
        (278, 4, height),
        (279, 4, u32::try_from(image.content.len()).ok()?),
        (292, 4, u32::from(dimensions > 0)),
    ];
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(&image.content);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use lopdf::{StringFormat, dictionary};

    use super::*;

    #[test]
    fn samples_of_any_depth_become_bytes() {
        let file = Document::new();
        let grey = dictionary! {
            "Width" => 3, "Height" => 2, "BitsPerComponent" => 1, "ColorSpace" => "DeviceGray",
        };
        let image = Stream::new(grey, vec![0b1010_0000, 0b0100_0000]);
        let expected = b"P5\n3 2\n255\n\xff\0\xff\0\xff\0";
        assert_eq!(samples(&file, &image).unwrap(), expected);
        let table = Object::String(vec![1, 2, 3, 9, 8, 7], StringFormat::Literal);
        let indexed: Vec<Object> = vec!["Indexed".into(), "DeviceRGB".into(), 1.into(), table];
        let palette = dictionary! {
            "Width" => 2, "Height" => 1, "BitsPerComponent" => 4, "ColorSpace" => indexed,
        };
        let image = Stream::new(palette.clone(), vec![0x10]);
        assert_eq!(samples(&file, &image).unwrap(), b"P6\n2 1\n255\n\x09\x08\x07\x01\x02\x03");
        // a colour that the palette has not, and fewer samples than said
        assert_eq!(samples(&file, &Stream::new(palette.clone(), vec![0x20])), None);
        assert_eq!(samples(&file, &Stream::new(palette, Vec::new())), None);
    }
}
