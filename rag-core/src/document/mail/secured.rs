//! S/MIME (RFC 8551): the content of a signed message, which lies open in it.

/// Values inside values.
const MAX_DEPTH: usize = 16;

/// The object identifier of signed data (1.2.840.113549.1.7.2).
const SIGNED_DATA: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];

/// A value of BER (ITU-T X.690).
struct Value<'a> {
    tag: u8,
    content: &'a [u8],
}

const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;
const OCTETS: u8 = 0x04;
const OCTETS_IN_PIECES: u8 = 0x24;
const EXPLICIT: u8 = 0xA0;

/// What was signed, of a message in the Cryptographic Message Syntax (RFC 5652); nothing if it is
/// of another type, such as an encrypted one.
pub(super) fn signed_content(bytes: &[u8]) -> Option<Vec<u8>> {
    let (message, _) = value(bytes, 0)?;
    let [kind, content, ..] = &*values(only(message, SEQUENCE)?)? else { return None };
    (kind.tag == OBJECT && kind.content == SIGNED_DATA).then_some(())?;
    let signed = values(first(content, EXPLICIT)?)?;
    // version, digests, content
    let inner = values(signed.get(2).filter(|value| value.tag == SEQUENCE)?.content)?;
    let mut found = Vec::new();
    octets(
        &value(inner.get(1).filter(|value| value.tag == EXPLICIT)?.content, 0)?.0,
        &mut found,
        0,
    )?;
    Some(found)
}

fn only<'a>(value: Value<'a>, tag: u8) -> Option<&'a [u8]> {
    (value.tag == tag).then_some(value.content)
}

/// The content of the one value inside an explicit tag.
fn first<'a>(outer: &Value<'a>, tag: u8) -> Option<&'a [u8]> {
    (outer.tag == tag).then_some(())?;
    only(value(outer.content, 0)?.0, SEQUENCE)
}

fn octets(value: &Value<'_>, found: &mut Vec<u8>, depth: usize) -> Option<()> {
    match value.tag {
        OCTETS => found.extend_from_slice(value.content),
        OCTETS_IN_PIECES if depth < MAX_DEPTH => {
            for piece in values(value.content)? {
                octets(&piece, found, depth + 1)?;
            }
        }
        _ => return None,
    }
    Some(())
}

fn values(mut bytes: &[u8]) -> Option<Vec<Value<'_>>> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (next, length) = value(bytes, 0)?;
        values.push(next);
        bytes = bytes.get(length..)?;
    }
    Some(values)
}

/// The first value and the bytes it takes.
fn value(bytes: &[u8], depth: usize) -> Option<(Value<'_>, usize)> {
    let (&tag, &short) = (bytes.first()?, bytes.get(1)?);
    // tags of more than one byte do not occur here
    (tag & 0x1F != 0x1F && depth < MAX_DEPTH).then_some(())?;
    if short == 0x80 {
        let mut end = 2;
        while bytes.get(end..end + 2)? != [0, 0] {
            end += value(bytes.get(end..)?, depth + 1)?.1;
        }
        return Some((Value { tag, content: bytes.get(2..end)? }, end + 2));
    }
    let count = usize::from(short & 0x7F);
    let (start, length) = match short < 0x80 {
        true => (2, usize::from(short)),
        false => {
            let digits = bytes.get(2..2 + count).filter(|digits| digits.len() <= 4)?;
            (2 + count, digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit)))
        }
    };
    let end = start.checked_add(length)?;
    Some((Value { tag, content: bytes.get(start..end)? }, end))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x82, (content.len() >> 8) as u8, content.len() as u8], content].concat()
    }

    fn message(kind: &[u8], content: &[u8]) -> Vec<u8> {
        let data = tagged(OBJECT, &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01]);
        let inner = tagged(SEQUENCE, &[data, tagged(EXPLICIT, content)].concat());
        let signed = tagged(SEQUENCE, &[tagged(2, &[1]), tagged(0x31, &[]), inner].concat());
        tagged(SEQUENCE, &[tagged(OBJECT, kind), tagged(EXPLICIT, &signed)].concat())
    }

    #[test]
    fn what_is_signed_lies_open_whole_or_in_pieces() {
        let whole = message(&SIGNED_DATA, &tagged(OCTETS, b"Subject: x"));
        assert_eq!(signed_content(&whole).unwrap(), b"Subject: x");
        let pieces = [tagged(OCTETS, b"ab"), tagged(OCTETS, b"cd")].concat();
        let endless = [&[OCTETS_IN_PIECES, 0x80], pieces.as_slice(), &[0, 0]].concat();
        assert_eq!(signed_content(&message(&SIGNED_DATA, &endless)).unwrap(), b"abcd");
        assert_eq!(signed_content(&message(&[0x2A], &tagged(OCTETS, b"x"))), None);
        for end in 0..whole.len() {
            assert_eq!(signed_content(&whole[..end]), None);
        }
        assert_eq!(signed_content(&[0x30, 0x80].repeat(1000)), None);
    }
}
