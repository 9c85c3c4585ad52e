//! The footer of a Parquet file, looked through before anything believes it.
//!
//! The library that reads it takes memory by numbers that stand in it, and calls itself for each
//! level of the schema. Here every field that it knows must be of the kind that it takes it for,
//! every list must have room, and the tree of columns must be whole and flat enough.

use super::thrift::{Thrift, kind};

/// Columns and groups of columns of a schema.
const MAX_NODES: usize = 16_384;

/// Groups of columns in one another.
const MAX_DEPTH: usize = 48;

/// What a field must be.
enum Shape {
    Bool,
    Byte,
    /// Of any width: all are written alike.
    Integer,
    Double,
    Binary,
    Struct(&'static [(i16, Shape)]),
    List(&'static Shape),
    /// The list of the nodes of the schema.
    Schema,
}

use Shape::{Binary, Bool, Byte, Double, Integer, List, Schema, Struct};

// parquet.thrift of parquet-format 2.12

const UNIT: Shape = Struct(&[(1, Struct(&[])), (2, Struct(&[])), (3, Struct(&[]))]);

const LOGICAL_TYPE: Shape = Struct(&[
    (1, Struct(&[])),
    (2, Struct(&[])),
    (3, Struct(&[])),
    (4, Struct(&[])),
    (5, Struct(&[(1, Integer), (2, Integer)])),
    (6, Struct(&[])),
    (7, Struct(&[(1, Bool), (2, UNIT)])),
    (8, Struct(&[(1, Bool), (2, UNIT)])),
    (10, Struct(&[(1, Byte), (2, Bool)])),
    (11, Struct(&[])),
    (12, Struct(&[])),
    (13, Struct(&[])),
    (14, Struct(&[])),
    (15, Struct(&[])),
    (16, Struct(&[(1, Byte)])),
    (17, Struct(&[(1, Binary)])),
    (18, Struct(&[(1, Binary), (2, Integer)])),
    (19, Struct(&[])),
]);

/// The number of the field of a node that says how many nodes are below it.
const CHILDREN: i16 = 5;

const NODE: &[(i16, Shape)] = &[
    (1, Integer),
    (2, Integer),
    (3, Integer),
    (4, Binary),
    (CHILDREN, Integer),
    (6, Integer),
    (7, Integer),
    (8, Integer),
    (9, Integer),
    (10, LOGICAL_TYPE),
];

const PAIR: Shape = Struct(&[(1, Binary), (2, Binary)]);

const STATISTICS: Shape = Struct(&[
    (1, Binary),
    (2, Binary),
    (3, Integer),
    (4, Integer),
    (5, Binary),
    (6, Binary),
    (7, Bool),
    (8, Bool),
    (9, Integer),
]);

const SIZES: Shape = Struct(&[(1, Integer), (2, List(&Integer)), (3, List(&Integer))]);

const BOX: Shape = Struct(&[
    (1, Double),
    (2, Double),
    (3, Double),
    (4, Double),
    (5, Double),
    (6, Double),
    (7, Double),
    (8, Double),
]);

const COLUMN: Shape = Struct(&[
    (1, Integer),
    (2, List(&Integer)),
    (3, List(&Binary)),
    (4, Integer),
    (5, Integer),
    (6, Integer),
    (7, Integer),
    (8, List(&PAIR)),
    (9, Integer),
    (10, Integer),
    (11, Integer),
    (12, STATISTICS),
    (13, List(&Struct(&[(1, Integer), (2, Integer), (3, Integer)]))),
    (14, Integer),
    (15, Integer),
    (16, SIZES),
    (17, Struct(&[(1, BOX), (2, List(&Integer))])),
]);

const CHUNK: Shape = Struct(&[
    (1, Binary),
    (2, Integer),
    (3, COLUMN),
    (4, Integer),
    (5, Integer),
    (6, Integer),
    (7, Integer),
    (9, Binary),
]);

const ROW_GROUP: Shape = Struct(&[
    (1, List(&CHUNK)),
    (2, Integer),
    (3, Integer),
    (4, List(&Struct(&[(1, Integer), (2, Bool), (3, Bool)]))),
    (5, Integer),
    (6, Integer),
    (7, Integer),
]);

const FOOTER: &[(i16, Shape)] = &[
    (1, Integer),
    (2, Schema),
    (3, Integer),
    (4, List(&ROW_GROUP)),
    (5, List(&PAIR)),
    (6, Binary),
    (7, List(&Struct(&[(1, Struct(&[])), (2, Struct(&[]))]))),
    (9, Binary),
];

/// Whether the footer is what its fields say, and can be read with memory of its own order.
pub(super) fn is_sound(footer: &[u8]) -> bool {
    fields(&mut Thrift::new(footer), FOOTER, 0).is_some()
}

/// Passes a struct over, whose known fields are these.
fn fields(thrift: &mut Thrift<'_>, known: &[(i16, Shape)], depth: u8) -> Option<()> {
    let mut last = 0;
    while let Some((id, kind)) = thrift.field(last)? {
        match known.iter().find(|(known, _)| *known == id) {
            Some((_, shape)) => value(thrift, kind, shape, depth + 1)?,
            None => thrift.skip(kind, depth + 1)?,
        }
        last = id;
    }
    Some(())
}

/// Passes a value over, if it is what it must be.
fn value(thrift: &mut Thrift<'_>, kind: u8, shape: &Shape, depth: u8) -> Option<()> {
    let fits = match shape {
        Bool => matches!(kind, kind::TRUE | kind::FALSE),
        Byte => kind == kind::BYTE,
        Integer => matches!(kind, kind::I16 | kind::I32 | kind::I64),
        Double => kind == kind::DOUBLE,
        Binary => kind == kind::BINARY,
        Struct(_) => kind == kind::STRUCT,
        List(_) | Schema => kind == kind::LIST,
    };
    if !fits {
        return None;
    }
    match shape {
        Struct(known) => fields(thrift, known, depth),
        List(shape) => {
            let (count, kind) = thrift.list()?;
            (0..count).try_for_each(|_| value(thrift, kind, shape, depth))
        }
        Schema => schema(thrift),
        _ => thrift.skip(kind, depth),
    }
}

/// Passes the nodes of the schema over, which stand one behind the other, each before those below
/// it.
fn schema(thrift: &mut Thrift<'_>) -> Option<()> {
    let (count, kind) = thrift.list()?;
    if count > MAX_NODES || (count > 0 && kind != kind::STRUCT) {
        return None;
    }
    // for each group that is open, how many nodes of it are still to come
    let mut open: Vec<usize> = Vec::new();
    for at in 0..count {
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        } else if at > 0 {
            return None;
        }
        let children = node(thrift)?;
        // all that are promised must be there
        if children > 0 {
            open.push(children);
        }
        let promised = open.iter().try_fold(0_usize, |sum, left| sum.checked_add(*left))?;
        if open.len() > MAX_DEPTH || promised > count - at - 1 {
            return None;
        }
    }
    open.iter().all(|left| *left == 0).then_some(())
}

/// Passes a node over; gives how many stand below it.
fn node(thrift: &mut Thrift<'_>) -> Option<usize> {
    let (mut last, mut children) = (0, 0);
    while let Some((id, kind)) = thrift.field(last)? {
        match NODE.iter().find(|(known, _)| *known == id) {
            Some((CHILDREN, _)) if kind == kind::I32 => {
                children = usize::try_from(thrift.integer()?).ok()?;
            }
            Some((CHILDREN, _)) => return None,
            Some((_, shape)) => value(thrift, kind, shape, 2)?,
            None => thrift.skip(kind, 2)?,
        }
        last = id;
    }
    Some(children)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer whose schema has nodes with so many below them.
    fn footer(children: &[u8]) -> Vec<u8> {
        // version 1, then a list of structs
        let mut bytes = vec![0x15, 0x02, 0x19, 0xFC, children.len() as u8];
        for count in children {
            // a name, `a`, then the number of children
            bytes.extend([0x48, 1, b'a']);
            if *count > 0 {
                bytes.extend([0x15, count << 1]);
            }
            bytes.push(0);
        }
        bytes.push(0);
        bytes
    }

    #[test]
    fn the_tree_of_columns_must_be_whole() {
        assert!(is_sound(&footer(&[2, 0, 0])));
        assert!(is_sound(&footer(&[2, 1, 0, 0])));
        assert!(!is_sound(&footer(&[3, 0, 0])), "a column that is not there");
        assert!(!is_sound(&footer(&[1, 0, 0])), "a column without a place");
        assert!(!is_sound(&footer(&[60, 0])), "more than there are");
        let deep: Vec<u8> = std::iter::repeat_n(1, 60).chain([0]).collect();
        assert!(!is_sound(&footer(&deep)), "too deep");
    }

    #[test]
    fn fields_must_be_what_they_are_taken_for() {
        // the version as a text, rows as a list, a list of a billion row groups
        assert!(!is_sound(&[0x18, 0x01, b'x', 0]));
        assert!(!is_sound(&[0x15, 2, 0x29, 0, 0]));
        assert!(!is_sound(&[0x15, 2, 0x39, 0xFC, 0x80, 0x94, 0xEB, 0xDC, 0x03, 0]));
        assert!(!is_sound(&[0x15]));
        assert!(is_sound(&[0x15, 2, 0]));
    }
}
