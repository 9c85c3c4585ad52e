//! Finds page headers, footers and page numbers: lines that come back at the same place on page
//! after page.

use std::collections::HashMap;

use super::line::TextLine;

/// Lines at the same height, at the top and at the bottom of a page, that may be furniture.
const EDGE_LINES: usize = 4;

/// Pages before and after that are searched for the same line; even and odd pages differ in books.
const REACH: usize = 4;

/// Pages within reach, its own among them, on which a line must stand.
const MIN_PAGES: usize = 3;

/// As `MIN_PAGES`, for the second line of a header or footer: chapters may begin alike.
const MIN_PAGES_INNER: usize = 6;

/// Removes them from `pages`, unless nothing else would be left.
pub(super) fn remove(pages: &mut [Vec<TextLine>]) {
    for min_pages in [MIN_PAGES, MIN_PAGES_INNER] {
        if pages.len() < 2 {
            return;
        }
        let dropped = find(pages, min_pages);
        let total: usize = pages.iter().map(Vec::len).sum();
        let out: usize = dropped.iter().map(Vec::len).sum();
        if total == out {
            return;
        }
        for (page, indices) in pages.iter_mut().zip(dropped) {
            for index in indices.into_iter().rev() {
                page.remove(index);
            }
        }
    }
}

/// The furniture of each page, by index, in order.
fn find(pages: &[Vec<TextLine>], min_pages: usize) -> Vec<Vec<usize>> {
    let edges: Vec<Vec<usize>> = pages.iter().map(|page| edge_lines(page)).collect();
    let mut seen: HashMap<(i32, String), Vec<usize>> = HashMap::new();
    let mut heights: HashMap<i32, usize> = HashMap::new();
    for (number, (page, edge)) in pages.iter().zip(&edges).enumerate() {
        for line in edge.iter().filter_map(|&index| page.get(index)) {
            seen.entry((place(line), pattern(&line.text))).or_default().push(number);
            *heights.entry(place(line)).or_default() += 1;
        }
    }
    let is_furniture = |number: usize, line: &TextLine| {
        let at = place(line);
        let mut around = 0;
        for place in at - 1..=at + 1 {
            let on = seen.get(&(place, pattern(&line.text))).map(Vec::as_slice).unwrap_or_default();
            let first = on.partition_point(|&page| page + REACH < number);
            around += on.partition_point(|&page| page <= number + REACH) - first;
        }
        let common = heights.get(&at).is_some_and(|&count| count * 2 >= pages.len());
        let numbered = min_pages == MIN_PAGES
            && (is_page_number(&line.text) || (common && carries_number(&line.text)));
        around >= min_pages || numbered
    };
    let pages = pages.iter().zip(edges).enumerate();
    let dropped = pages.map(|(number, (page, edge))| {
        let test = |index: &usize| page.get(*index).is_some_and(|line| is_furniture(number, line));
        edge.into_iter().filter(test).collect()
    });
    dropped.collect()
}

/// The lines as high as the highest and as low as the lowest of a page, by index, in order.
fn edge_lines(page: &[TextLine]) -> Vec<usize> {
    let level = || page.iter().enumerate().filter(|(_, line)| line.direction.0 > 0.99);
    let highest = level().map(|(_, line)| line.height).fold(f32::NEG_INFINITY, f32::max);
    let lowest = level().map(|(_, line)| line.height).fold(f32::INFINITY, f32::min);
    let near = |edge: f32| {
        level().filter(move |(_, line)| (line.height - edge).abs() < 2.0).take(EDGE_LINES)
    };
    let mut edge: Vec<usize> = near(highest).chain(near(lowest)).map(|(index, _)| index).collect();
    edge.sort_unstable();
    edge.dedup();
    edge
}

/// Height in steps of two points.
fn place(line: &TextLine) -> i32 {
    (line.height / 2.0).round() as i32
}

/// The text with every number made one mark.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii_digit() {
            pattern.push(c);
        } else if !pattern.ends_with('#') {
            pattern.push('#');
        }
    }
    pattern
}

/// Whether a line is a page number and nothing else: `12`, `- 12 -`, `xiv`, `Page 3 / 10`.
fn is_page_number(text: &str) -> bool {
    let core = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let number = core.strip_prefix("page").unwrap_or(&core).trim();
    let parts: Vec<&str> = number
        .split(|c: char| c.is_whitespace() || c == '/')
        .filter(|part| !matches!(*part, "" | "of" | "sur" | "von" | "de"))
        .collect();
    let is_number = |part: &&str| part.len() <= 5 && part.bytes().all(|b| b.is_ascii_digit());
    let is_roman = |part: &&str| part.len() <= 7 && part.bytes().all(|b| b"ivxlc".contains(&b));
    match parts.as_slice() {
        [one] => is_number(one) || is_roman(one),
        [one, two] => is_number(one) && is_number(two),
        _ => false,
    }
}

/// Whether a number stands alone at the start or the end, as in a running title.
fn carries_number(text: &str) -> bool {
    let is_number = |word: Option<&str>| {
        word.is_some_and(|word| word.len() <= 4 && word.bytes().all(|b| b.is_ascii_digit()))
    };
    is_number(text.split_whitespace().next()) || is_number(text.split_whitespace().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(height: f32, text: &str) -> TextLine {
        TextLine {
            start: 0.0,
            end: 100.0,
            height,
            direction: (1.0, 0.0),
            size: 10.0,
            is_bold: false,
            is_fixed: false,
            text: text.to_owned(),
            cells: Vec::new(),
        }
    }

    #[test]
    fn running_titles_and_page_numbers_go_and_text_stays() {
        let mut pages: Vec<Vec<TextLine>> = (1..=6)
            .map(|n| {
                let title = if n < 4 { format!("{n} THE LAB") } else { format!("THE END {n}") };
                let body = (0..4).map(|i| {
                    line(
                        700.0 - 12.0 * i as f32,
                        &format!("text {}", ["of", "the", "lab", "is", "on", "it"][(n + i) % 6]),
                    )
                });
                [line(760.0, &title)]
                    .into_iter()
                    .chain(body)
                    .chain([line(30.0, &n.to_string())])
                    .collect()
            })
            .collect();
        remove(&mut pages);
        for page in &pages {
            assert_eq!(page.len(), 4, "{page:?}");
            assert!(page.iter().all(|line| line.text.starts_with("text")));
        }
    }

    #[test]
    fn page_numbers_are_known_by_their_form() {
        for yes in ["12", "- 3 -", "xiv", "Page 3 / 10", "page 4", "3 of 10"] {
            assert!(is_page_number(yes), "{yes}");
        }
        for no in ["1995 was good", "Chapter 3", "", "12.5 %", "a"] {
            assert!(!is_page_number(no), "{no}");
        }
    }
}
