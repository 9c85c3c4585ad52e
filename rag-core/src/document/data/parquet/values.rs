//! Values of columns as people write them.

use std::fmt::Write;

use half::f16;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::data_type::{ByteArray, Decimal, Int96};
use parquet::record::Field;
use parquet::schema::types::ColumnDescriptor;

use crate::document::vocabulary::{UnreadKind, unread};
use crate::document::writing::civil::civil;

/// Bytes of a value that is no text, shown in hex; a longer one is only named.
const MAX_HEX_BYTES: usize = 16;

/// Bytes and digits of a decimal number at most (decimal256).
const MAX_DECIMAL: (usize, i32) = (32, 76);

/// The day 1970-01-01 as Julian day, which INT96 counts.
const JULIAN_1970: i64 = 2_440_588;

const NANOS: i64 = 1_000_000_000;

/// What the values of a column stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// What they are.
    Plain,
    /// Whole numbers without sign.
    Unsigned,
    /// Days since 1970-01-01.
    Day,
    /// A time of day, so many units to the second.
    Time(i64),
    /// A day and time, so many units to the second since 1970-01-01.
    Instant(i64),
    /// Whole numbers with so many decimals.
    Decimal {
        precision: i32,
        scale: i32,
    },
    /// A number of 16 bits.
    Half,
    Uuid,
}

impl Form {
    pub(super) fn of(column: &ColumnDescriptor) -> Self {
        let per_second = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => 1000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => NANOS,
        };
        match column.logical_type_ref() {
            Some(LogicalType::Time(time)) => return Self::Time(per_second(&time.unit)),
            Some(LogicalType::Timestamp(time)) => return Self::Instant(per_second(&time.unit)),
            Some(LogicalType::Float16) => return Self::Half,
            Some(LogicalType::Uuid) => return Self::Uuid,
            _ => {}
        }
        match column.converted_type() {
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Self::Unsigned,
            ConvertedType::DATE => Self::Day,
            ConvertedType::TIME_MILLIS => Self::Time(1000),
            ConvertedType::TIME_MICROS => Self::Time(1_000_000),
            ConvertedType::TIMESTAMP_MILLIS => Self::Instant(1000),
            ConvertedType::TIMESTAMP_MICROS => Self::Instant(1_000_000),
            ConvertedType::DECIMAL => {
                let (precision, scale) = (column.type_precision(), column.type_scale());
                let fits = scale >= 0 && scale <= precision && precision <= MAX_DECIMAL.1;
                if fits { Self::Decimal { precision, scale } } else { Self::Plain }
            }
            _ => Self::Plain,
        }
    }

    pub(super) fn bool(self, value: bool, out: &mut String) {
        out.push_str(if value { "true" } else { "false" });
    }

    pub(super) fn int32(self, value: i32, out: &mut String) {
        match self {
            Self::Unsigned => push(out, value as u32),
            Self::Decimal { precision, scale } => {
                decimal(Decimal::from_i32(value, precision, scale), out);
            }
            _ => self.int64(value.into(), out),
        }
    }

    pub(super) fn int64(self, value: i64, out: &mut String) {
        match self {
            Self::Unsigned => push(out, value as u64),
            Self::Day => day(value, out),
            Self::Time(unit) => time(value, unit, out),
            Self::Instant(unit) => {
                let a_day = 86_400 * unit;
                instant(value.div_euclid(a_day), value.rem_euclid(a_day), unit, out);
            }
            Self::Decimal { precision, scale } => {
                decimal(Decimal::from_i64(value, precision, scale), out);
            }
            _ => push(out, value),
        }
    }

    pub(super) fn int96(self, value: &Int96, out: &mut String) {
        let [low, high, days] = *value.data() else { return };
        let nanos = i64::from(high) << 32 | i64::from(low);
        instant(i64::from(days) - JULIAN_1970, nanos, NANOS, out);
    }

    pub(super) fn float(self, value: f32, out: &mut String) {
        match is_long(value.into()) {
            true => push(out, format_args!("{value:e}")),
            false => push(out, value),
        }
    }

    pub(super) fn double(self, value: f64, out: &mut String) {
        match is_long(value) {
            true => push(out, format_args!("{value:e}")),
            false => push(out, value),
        }
    }

    pub(super) fn bytes(self, value: &ByteArray, out: &mut String) {
        let bytes = value.data();
        match (self, bytes) {
            (Self::Decimal { precision, scale }, _)
                if (1..=MAX_DECIMAL.0).contains(&bytes.len()) =>
            {
                decimal(Decimal::from_bytes(value.clone(), precision, scale), out);
            }
            (Self::Half, [low, high]) => {
                self.float(f16::from_le_bytes([*low, *high]).to_f32(), out);
            }
            (Self::Uuid, _) if bytes.len() == 16 => uuid(bytes, out),
            _ => text(bytes, out),
        }
    }
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    // a string takes all that is written
    let _ = write!(out, "{value}");
}

/// Whether a number has more digits than are read at a glance.
fn is_long(value: f64) -> bool {
    value.is_finite() && value != 0.0 && !(1e-7..1e17).contains(&value.abs())
}

fn decimal(value: Decimal, out: &mut String) {
    let shown = Field::Decimal(value).to_string();
    out.push_str(shown.trim_end_matches('.'));
}

fn day(days: i64, out: &mut String) {
    let (year, month, day) = civil(days);
    push(out, format_args!("{year:04}-{month:02}-{day:02}"));
}

/// A time of day; without a fraction that is zero.
fn time(value: i64, per_second: i64, out: &mut String) {
    let (seconds, fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    push(out, format_args!("{hour:02}:{minute:02}:{second:02}"));
    if fraction > 0 {
        let fraction = format!("{:09}", fraction * (NANOS / per_second));
        push(out, format_args!(".{}", fraction.trim_end_matches('0')));
    }
}

/// A day and time of day; at midnight the day alone, as files of days are often written so.
fn instant(days: i64, rest: i64, per_second: i64, out: &mut String) {
    day(days, out);
    if rest != 0 {
        out.push(' ');
        time(rest, per_second, out);
    }
}

fn uuid(bytes: &[u8], out: &mut String) {
    for (at, byte) in bytes.iter().enumerate() {
        let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
        push(out, format_args!("{dash}{byte:02x}"));
    }
}

/// Bytes as the text that they are, or what they are instead.
fn text(bytes: &[u8], out: &mut String) {
    let text = std::str::from_utf8(bytes).ok();
    let is_text = |text: &&str| !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    if let Some(text) = text.filter(is_text) {
        out.push_str(text);
    } else if bytes.len() <= MAX_HEX_BYTES {
        out.push_str("0x");
        bytes.iter().for_each(|byte| push(out, format_args!("{byte:02x}")));
    } else {
        unread::note(UnreadKind::EncodedData, 1);
        push(out, format_args!("({} bytes)", bytes.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(show: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        show(&mut out);
        out
    }

    #[test]
    fn days_and_times() {
        let of = |form: Form, value| shown(|out| form.int64(value, out));
        assert_eq!(of(Form::Day, 19_787), "2024-03-05");
        assert_eq!(of(Form::Day, -1), "1969-12-31");
        assert_eq!(of(Form::Instant(1000), 1_709_596_800_000), "2024-03-05");
        assert_eq!(of(Form::Instant(1000), 1_709_649_000_250), "2024-03-05 14:30:00.25");
        assert_eq!(of(Form::Instant(NANOS), -1), "1969-12-31 23:59:59.999999999");
        assert_eq!(of(Form::Time(1_000_000), 34_200_000_000), "09:30:00");
        let mut old = Int96::new();
        old.set_data(1_000_000_000, 0, 2_440_589);
        assert_eq!(shown(|out| Form::Plain.int96(&old, out)), "1970-01-02 00:00:01");
        for value in [i64::MIN, i64::MAX] {
            for form in [Form::Instant(1000), Form::Instant(NANOS), Form::Time(1000), Form::Day] {
                if form != Form::Day {
                    assert!(!of(form, value).is_empty());
                }
            }
        }
        assert!(!shown(|out| Form::Day.int32(i32::MIN, out)).is_empty());
    }

    #[test]
    fn numbers() {
        let price = Form::Decimal { precision: 9, scale: 2 };
        assert_eq!(shown(|out| price.int32(-5, out)), "-0.05");
        assert_eq!(shown(|out| price.int64(123_456, out)), "1234.56");
        let whole = Form::Decimal { precision: 20, scale: 0 };
        let bytes = ByteArray::from(vec![1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(shown(|out| whole.bytes(&bytes, out)), "18446744073709551616");
        assert_eq!(shown(|out| Form::Unsigned.int32(-1, out)), "4294967295");
        assert_eq!(shown(|out| Form::Plain.int32(-1, out)), "-1");
        assert_eq!(shown(|out| Form::Plain.double(0.1, out)), "0.1");
        assert_eq!(shown(|out| Form::Plain.double(1e300, out)), "1e300");
        assert_eq!(shown(|out| Form::Plain.float(2.5, out)), "2.5");
        let half = ByteArray::from(vec![0x00, 0x3E]);
        assert_eq!(shown(|out| Form::Half.bytes(&half, out)), "1.5");
    }

    #[test]
    fn bytes_are_text_or_named() {
        let of =
            |bytes: &[u8]| shown(|out| Form::Plain.bytes(&ByteArray::from(bytes.to_vec()), out));
        assert_eq!(of("caf\u{e9}".as_bytes()), "caf\u{e9}");
        assert_eq!(of(&[0xFF, 0x00, 0x1F]), "0xff001f");
        assert_eq!(of(&[0x89; 300]), "(300 bytes)");
        let id = ByteArray::from((0..16).collect::<Vec<u8>>());
        let shown = shown(|out| Form::Uuid.bytes(&id, out));
        assert_eq!(shown, "00010203-0405-0607-0809-0a0b0c0d0e0f");
    }
}
