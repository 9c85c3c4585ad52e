//! The plane in which vectors differ most: their first two principal components (Pearson 1901).

use crate::kernels::dot::dot_f32;

/// Rounds after which a direction is taken as it is; most settle within thirty.
const MAX_ROUNDS: usize = 100;
/// How little a direction moves, squared, once it has settled.
const SETTLED: f64 = 1e-9;

/// Two directions at a right angle, and the point that they go out from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plane {
    mean: Vec<f32>,
    axes: [Vec<f32>; 2],
    /// The share of all variance that lies along each direction, from 0 to 1.
    pub(crate) shares: [f32; 2],
}

impl Plane {
    /// The plane of `rows`, all of one length; the same rows give the same plane. Of rows that are
    /// all the same, or of none, everything lies at its middle.
    pub(crate) fn of(rows: &[Vec<f32>]) -> Self {
        let dim = rows.first().map_or(0, Vec::len);
        let mean = mean(rows, dim);
        let centred: Vec<Vec<f32>> = rows.iter().map(|row| minus(row, &mean)).collect();
        let total: f64 = centred.iter().map(|row| f64::from(dot_f32(row, row))).sum();
        let first = direction(&centred, &vec![0.0; dim]);
        let second = direction(&centred, &first.0);
        let share = |variance: f64| if total > 0.0 { (variance / total) as f32 } else { 0.0 };
        let shares = [share(first.1), share(second.1)];
        Self { mean, axes: [first.0, second.0], shares }
    }

    /// Where `row` lies in it.
    pub(crate) fn place(&self, row: &[f32]) -> [f32; 2] {
        let row = minus(row, &self.mean);
        [dot_f32(&row, &self.axes[0]), dot_f32(&row, &self.axes[1])]
    }
}

fn mean(rows: &[Vec<f32>], dim: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; dim];
    for row in rows {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sums.iter().map(|sum| (sum / rows.len() as f64) as f32).collect()
}

fn minus(row: &[f32], other: &[f32]) -> Vec<f32> {
    row.iter().zip(other).map(|(a, b)| a - b).collect()
}

/// The direction at a right angle to `but` along which the rows vary most, of length one, and how
/// much they vary along it; by power iteration from the row that lies farthest out.
fn direction(rows: &[Vec<f32>], but: &[f32]) -> (Vec<f32>, f64) {
    let beside = |row: &Vec<f32>| {
        let along = dot_f32(row, but);
        row.iter().zip(but).map(|(value, other)| value - along * other).collect::<Vec<f32>>()
    };
    let length = |row: &Vec<f32>| dot_f32(row, row);
    let farthest = rows.iter().map(beside).max_by(|a, b| length(a).total_cmp(&length(b)));
    let Some(mut axis) = farthest.and_then(|row| unit(&row)) else {
        return (vec![0.0; but.len()], 0.0);
    };
    let mut variance = 0.0;
    for _ in 0..MAX_ROUNDS {
        let mut sums = vec![0.0_f64; axis.len()];
        for row in rows {
            let along = f64::from(dot_f32(row, &axis));
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += along * f64::from(*value));
        }
        let next: Vec<f32> = sums.iter().map(|sum| *sum as f32).collect();
        let Some(next) = unit(&beside(&next)) else { break };
        variance = sums.iter().zip(&next).map(|(sum, value)| sum * f64::from(*value)).sum();
        let moved: f64 = next.iter().zip(&axis).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        axis = next;
        if moved < SETTLED {
            break;
        }
    }
    // of the two ways along it, the one in which its greatest number is positive
    let greatest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
    if greatest.is_some_and(|value| value < 0.0) {
        axis.iter_mut().for_each(|value| *value = -*value);
    }
    (axis, variance)
}

/// `row` at length one; `None` if it has next to none.
fn unit(row: &[f32]) -> Option<Vec<f32>> {
    let length = dot_f32(row, row).sqrt();
    (length > 1e-6).then(|| row.iter().map(|value| value / length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_where_they_differ_most() {
        // ten along the second axis, two along the first, nothing along the third
        let rows: Vec<Vec<f32>> = [[1.0, 0.0], [0.0, 5.0], [-1.0, 0.0], [0.0, -5.0]]
            .iter()
            .map(|[x, y]| vec![3.0 + x, 4.0 + y, 7.0])
            .collect();
        let plane = Plane::of(&rows);
        let close = |a: f32, b: f32| (a - b).abs() < 1e-3;
        assert!(close(plane.shares[0], 50.0 / 52.0) && close(plane.shares[1], 2.0 / 52.0));
        let [x, y] = plane.place(&[4.0, 9.0, 7.0]);
        assert!(close(x.abs(), 5.0) && close(y.abs(), 1.0), "{x} {y}");
        assert_eq!(plane, Plane::of(&rows));
    }

    #[test]
    fn what_does_not_differ_lies_in_the_middle() {
        for rows in [vec![], vec![vec![0.5; 4]], vec![vec![0.5; 4]; 3]] {
            let plane = Plane::of(&rows);
            assert_eq!(plane.shares, [0.0, 0.0]);
            for row in &rows {
                assert_eq!(plane.place(row), [0.0, 0.0]);
            }
        }
        // two rows have one direction
        let plane = Plane::of(&[vec![0.0, 0.0], vec![1.0, 1.0]]);
        assert!(plane.shares[0] > 0.999 && plane.shares[1].abs() < 1e-3);
    }
}
