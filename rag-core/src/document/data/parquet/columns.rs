//! Columns of a schema as columns of a table, and their values as cells.
//!
//! What is nested is flattened: fields of a struct have the names on the way to them, joined by
//! dots; the values of a list stand in one cell. Levels are those of Melnik et al., "Dremel", 2010.

use parquet::basic::{ConvertedType, LogicalType, Repetition};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use super::values::Form;
use crate::document::vocabulary::{UnreadKind, unread};

/// Values of a list that its cell shows; an embedding has a thousand.
const MAX_ITEMS: usize = 64;

/// Bytes of a cell, as in a sheet.
const MAX_CELL_BYTES: usize = 4 * 32_767;

/// A column of the table.
pub(super) struct Column {
    pub(super) name: String,
    form: Form,
    /// The definition level of a value that is there.
    value_level: i16,
    /// The definition level from which on a list has an item; 0 outside of lists.
    item_level: i16,
}

/// The columns of a schema, in the order in which the file has them.
pub(super) fn columns(schema: &SchemaDescriptor) -> Vec<Column> {
    let mut leaves = Vec::new();
    for field in schema.root_schema().get_fields() {
        add(field, field.name().to_owned(), (0, 0), &mut leaves);
    }
    let columns = leaves.into_iter().zip(schema.columns());
    columns.map(|((name, item_level), leaf)| Column::new(name, item_level, leaf)).collect()
}

/// Adds the leaves of `field`, called `name`, each with the level from which on its list has an
/// item; `levels` are those above it, of definition and of items.
fn add(field: &Type, name: String, levels: (i16, i16), leaves: &mut Vec<(String, i16)>) {
    let (mut level, mut item_level) = levels;
    let info = field.get_basic_info();
    match info.has_repetition().then(|| info.repetition()) {
        Some(Repetition::OPTIONAL) => level += 1,
        Some(Repetition::REPEATED) => {
            level += 1;
            item_level = level;
        }
        _ => {}
    }
    if field.is_primitive() {
        leaves.push((name, item_level));
        return;
    }
    let (is_list, is_map) = nesting(field);
    for child in field.get_fields() {
        let inner = if child.is_primitive() { &[] } else { child.get_fields() };
        match inner {
            // `tags.list.element` is `tags`
            [item] if is_list => {
                let levels = (level + 1, level + 1);
                add(item, name.clone(), levels, leaves);
            }
            // `rates.key_value.key` is `rates.key`
            [_, _] if is_map => {
                let levels = (level + 1, level + 1);
                for part in inner {
                    add(part, format!("{name}.{}", part.name()), levels, leaves);
                }
            }
            _ if is_list => add(child, name.clone(), (level, item_level), leaves),
            _ => add(child, format!("{name}.{}", child.name()), (level, item_level), leaves),
        }
    }
}

/// Whether a group is a list, and whether it is a map, of one repeated field as it should be.
fn nesting(group: &Type) -> (bool, bool) {
    let info = group.get_basic_info();
    let is_sound = matches!(group.get_fields(), [only] if {
        let only = only.get_basic_info();
        only.has_repetition() && only.repetition() == Repetition::REPEATED
    });
    let (logical, converted) = (info.logical_type_ref(), info.converted_type());
    let is_list = converted == ConvertedType::LIST || logical == Some(&LogicalType::List);
    let is_map = matches!(converted, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE)
        || logical == Some(&LogicalType::Map);
    (is_sound && is_list, is_sound && is_map)
}

impl Column {
    fn new(name: String, item_level: i16, leaf: &ColumnDescriptor) -> Self {
        Self { name, form: Form::of(leaf), value_level: leaf.max_def_level(), item_level }
    }

    /// The cells of the next rows, one each.
    ///
    /// # Errors
    /// If there are not so many rows, or they are broken.
    pub(super) fn cells(&self, reader: &mut ColumnReader, rows: usize) -> Result<Vec<String>> {
        let form = self.form;
        match reader {
            ColumnReader::BoolColumnReader(reader) => {
                self.read(reader, rows, |value, cell| form.bool(*value, cell))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                self.read(reader, rows, |value, cell| form.int32(*value, cell))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                self.read(reader, rows, |value, cell| form.int64(*value, cell))
            }
            ColumnReader::Int96ColumnReader(reader) => {
                self.read(reader, rows, |value, cell| form.int96(value, cell))
            }
            ColumnReader::FloatColumnReader(reader) => {
                self.read(reader, rows, |value, cell| form.float(*value, cell))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                self.read(reader, rows, |value, cell| form.double(*value, cell))
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                self.read(reader, rows, |value, cell| form.bytes(value, cell))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                self.read(reader, rows, |value, cell| form.bytes(value, cell))
            }
        }
    }

    fn read<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        rows: usize,
        show: impl Fn(&T::T, &mut String),
    ) -> Result<Vec<String>> {
        let (mut defined, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let (_, _, count) =
            reader.read_records(rows, Some(&mut defined), Some(&mut repeated), &mut values)?;
        let mut values = values.iter();
        let mut cells: Vec<String> = Vec::with_capacity(rows);
        let mut items = 0;
        for at in 0..count {
            let level = defined.get(at).copied().unwrap_or(self.value_level);
            if repeated.get(at).is_none_or(|level| *level == 0) {
                cells.push(String::new());
                items = 0;
            }
            let value = if level == self.value_level { values.next() } else { None };
            let Some(cell) = cells.last_mut() else { break };
            if level < self.item_level {
                continue;
            }
            items += 1;
            if items > MAX_ITEMS || cell.len() > MAX_CELL_BYTES {
                if items == MAX_ITEMS + 1 {
                    cell.push_str(", ...");
                    unread::note(UnreadKind::BeyondLimit, 1);
                }
                continue;
            }
            if items > 1 {
                cell.push_str(", ");
            }
            if let Some(value) = value {
                show(value, cell);
            }
            if cell.len() > MAX_CELL_BYTES {
                cell.truncate(cell.floor_char_boundary(MAX_CELL_BYTES));
                cell.push_str(" ...");
                unread::note(UnreadKind::BeyondLimit, 1);
            }
        }
        if cells.len() != rows {
            return Err(ParquetError::General("a column has less rows than the table".to_owned()));
        }
        Ok(cells)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use parquet::schema::parser::parse_message_type;

    use super::*;

    fn names(schema: &str) -> Vec<(String, i16, i16)> {
        let schema = SchemaDescriptor::new(Arc::new(parse_message_type(schema).unwrap()));
        let found = columns(&schema).into_iter();
        found.map(|column| (column.name, column.value_level, column.item_level)).collect()
    }

    #[test]
    fn what_is_nested_has_the_names_on_the_way() {
        let found = names(
            "message schema {
                required int64 id;
                optional group place { optional binary town (UTF8); required int32 zip; }
                optional group tags (LIST) { repeated group list {
                    optional binary element (UTF8); } }
                optional group rates (MAP) { repeated group key_value {
                    required binary key (UTF8); optional double value; } }
                optional group lines (LIST) { repeated group list { optional group element {
                    optional int32 count; } } }
                repeated int32 marks;
                optional group old (LIST) { repeated int32 array; }
            }",
        );
        let name = |name: &str, value, item| (name.to_owned(), value, item);
        assert_eq!(
            found,
            [
                name("id", 0, 0),
                name("place.town", 2, 0),
                name("place.zip", 1, 0),
                name("tags", 3, 2),
                name("rates.key", 2, 2),
                name("rates.value", 3, 2),
                name("lines.count", 4, 2),
                name("marks", 1, 1),
                name("old", 2, 2),
            ]
        );
    }
}
