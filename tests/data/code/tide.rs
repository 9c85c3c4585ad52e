//! Heights of the tide at the jetty, from a gauge that reports every six minutes.

use std::collections::BTreeMap;
use std::fmt;

/// Minutes between two readings.
const STEP_MINUTES: u32 = 6;

/// One reading of the gauge.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    pub minute: u32,
    pub centimetres: i32,
}

/// All readings of a day, by minute. What the gauge sends twice is kept once; what it sends out of
/// order is put where it belongs. A day has at most two hundred and forty of them.
#[derive(Debug, Default)]
pub struct Day {
    readings: BTreeMap<u32, i32>,
    refused: usize,
}

impl Day {
    /// Adds a reading; one that is more than a metre from its neighbour is refused as noise.
    pub fn add(&mut self, reading: Reading) -> bool {
        let before = self.readings.range(..reading.minute).next_back();
        let is_noise = before.is_some_and(|(_, height)| (height - reading.centimetres).abs() > 100);
        if is_noise {
            self.refused += 1;
            return false;
        }
        self.readings.insert(reading.minute, reading.centimetres);
        true
    }

    /// The highest water of the day.
    #[must_use]
    pub fn high_water(&self) -> Option<Reading> {
        let (minute, height) = self.readings.iter().max_by_key(|(_, height)| **height)?;
        Some(Reading { minute: *minute, centimetres: *height })
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (minute, height) in &self.readings {
            writeln!(out, "{:02}:{:02} {height}", minute / 60, minute % 60)?;
        }
        writeln!(out, "{} readings were refused", self.refused)?;
        write!(out, "the next one is due in {STEP_MINUTES} minutes, or when the gauge wakes up")
    }
}

/// Fills gaps of a day by a straight line between the readings beside them, as long as they are
/// shorter than an hour.
pub fn fill(day: &mut Day) -> usize {
    let known: Vec<(u32, i32)> = day.readings.iter().map(|(m, h)| (*m, *h)).collect();
    let mut filled = 0;
    for pair in known.windows(2) {
        let [(start, low), (end, high)] = [pair[0], pair[1]];
        if end - start > 60 {
            continue;
        }
        let mut minute = start + STEP_MINUTES;
        while minute < end {
            let share = f64::from(minute - start) / f64::from(end - start);
            let height = f64::from(low) + share * f64::from(high - low);
            day.readings.insert(minute, height.round() as i32);
            filled += 1;
            minute += STEP_MINUTES;
        }
    }
    filled
}
