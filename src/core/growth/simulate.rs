//! Series of days as feeds have them, and outbreaks to put into any series.
//!
//! Invariant: the same seed gives the same series on every machine, to the number of draws.

use super::measure::{LEARNED, Trial};

/// A sequence of numbers from a seed: splitmix64 (Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub struct Draws(u64);

impl Draws {
    /// Begins a sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one, 0 ≤ u < 1.
    pub fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A Poisson count (Knuth), of large means as a sum of smaller ones.
    pub fn poisson(&mut self, mean: f64) -> f64 {
        let (mut left, mut count) = (mean, 0.0);
        while left > 0.0 {
            let limit = (-left.min(16.0)).exp();
            left -= 16.0;
            let mut product = self.draw();
            while product > limit {
                count += 1.0;
                product *= self.draw();
            }
        }
        count
    }
}

/// What happens to the feed of a simulated series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Nothing.
    Steady,
    /// Twice as much of everything for 60 days, three times a year.
    Doubled,
    /// Silent for ten days, three times a year.
    Stopped,
}

/// Days of a simulated series: three years.
const DAYS: usize = 3 * 365;
/// Days from one outbreak to the next, at least.
const APART: usize = 40;

/// Series of this course, of two, ten and fifty reports a day, with a weekly profile, days that are busier than others, and (of the
/// steady ones) outbreaks.
pub fn simulate(course: Course, seed: u64) -> Vec<Trial> {
    let mut trials = Vec::new();
    for mean in [2.0, 10.0, 50.0] {
        for n in 0..10 {
            let mut draws = Draws::new(seed.wrapping_add(n).wrapping_mul(1_000 + mean as u64));
            let mut trial = quiet(course, mean, &mut draws);
            if course == Course::Steady {
                put_outbreaks(&mut trial, &[vec![0.4, 1.0, 0.9, 0.5, 0.2]], &mut draws);
            }
            trials.push(trial);
        }
    }
    trials
}

fn quiet(course: Course, mean: f64, draws: &mut Draws) -> Trial {
    let mut trial = Trial::default();
    for day in 0..DAYS {
        let rest = day % 7 >= 5;
        // Gamma-like: a day's weather, of which the feed's other reports know nothing.
        let weather = 0.8 + 0.4 * draws.draw();
        let volume = if rest { 0.6 } else { 1.0 };
        let phase = day % 120;
        let volume = match course {
            Course::Doubled if phase >= 60 => volume * 2.0,
            Course::Stopped if (60..70).contains(&phase) => 0.0,
            _ => volume,
        };
        trial.counts.push(draws.poisson(mean * volume * weather));
        trial.totals.push(draws.poisson(mean * 40.0 * volume));
        trial.rest.push(rest);
    }
    trial
}

/// Puts outbreaks into a series, each of one of the `shapes` (a day's share of the highest day). The highest day has as many
/// reports more as three standard deviations of the series, and five at least.
pub fn put_outbreaks(trial: &mut Trial, shapes: &[Vec<f64>], draws: &mut Draws) {
    let n = trial.counts.len().max(1) as f64;
    let mean = trial.counts.iter().sum::<f64>() / n;
    let squares: f64 = trial.counts.iter().map(|y| (y - mean) * (y - mean)).sum();
    let peak = (3.0 * (squares / n).sqrt()).max(5.0);
    let mut at = LEARNED;
    while let Some(shape) = shapes.get((draws.draw() * shapes.len() as f64) as usize) {
        at += APART + (draws.draw() * 15.0) as usize;
        if at + shape.len() >= trial.counts.len() {
            break;
        }
        for (n, share) in shape.iter().enumerate() {
            let more = draws.poisson(peak * share);
            trial.counts[at + n] += more;
            trial.totals[at + n] += more;
        }
        trial.outbreaks.push(at..at + shape.len());
        at += shape.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisson_has_its_mean_and_variance() {
        let mut draws = Draws::new(7);
        for mean in [0.3, 2.0, 50.0] {
            let n = 20_000;
            let counts: Vec<f64> = (0..n).map(|_| draws.poisson(mean)).collect();
            let found = counts.iter().sum::<f64>() / f64::from(n);
            let variance = counts.iter().map(|y| (y - found).powi(2)).sum::<f64>() / f64::from(n);
            assert!((found - mean).abs() < 0.05 * mean, "{found} {mean}");
            assert!((variance - mean).abs() < 0.1 * mean, "{variance} {mean}");
        }
    }

    #[test]
    fn a_seed_is_a_series_and_outbreaks_do_not_meet() {
        let trials = simulate(Course::Steady, 1);
        assert_eq!(trials, simulate(Course::Steady, 1));
        assert_ne!(trials, simulate(Course::Steady, 2));
        for trial in &trials {
            assert!(trial.outbreaks.len() > 15);
            let apart = |pair: &[std::ops::Range<usize>]| pair[0].end + 30 < pair[1].start;
            assert!(trial.outbreaks.windows(2).all(apart));
        }
        assert!(
            simulate(Course::Stopped, 1)[29].totals[60..70]
                .iter()
                .all(|t| *t == 0.0)
        );
    }
}
