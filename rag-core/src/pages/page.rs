//! HTML, written so that no text can become markup.

use crate::visible;

const STYLE: &str = include_str!("style.css");

/// A page being written. Tag and class names are ours; texts are anybody's.
#[derive(Debug)]
pub(super) struct AnswerPage(String);

impl AnswerPage {
    pub(super) fn titled(title: &'static str) -> Self {
        let policy = "default-src 'none'; style-src 'unsafe-inline'";
        Self(format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
        ))
    }

    /// A piece of somebody else's page.
    pub(super) fn piece() -> Self {
        Self(String::new())
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</main>\n</body>\n</html>\n");
        self.0
    }

    pub(super) fn open(&mut self, tag: &str, class: &str) {
        match class {
            "" => self.0.push_str(&format!("<{tag}>")),
            _ => self.0.push_str(&format!("<{tag} class=\"{class}\">")),
        }
    }

    pub(super) fn close(&mut self, tag: &str) {
        self.0.push_str(&format!("</{tag}>"));
        if !matches!(tag, "span" | "mark" | "b" | "a" | "td" | "th") {
            self.0.push('\n');
        }
    }

    pub(super) fn element(&mut self, tag: &str, class: &str, text: &str) {
        self.open(tag, class);
        self.text(text);
        self.close(tag);
    }

    /// A section and its heading; close it as `section`.
    pub(super) fn section(&mut self, title: &str) {
        self.open("section", "");
        self.element("h2", "", title);
    }

    /// A link to a place in this page.
    pub(super) fn link(&mut self, id: &str, text: &str) {
        self.0.push_str(&format!("<a class=\"marker\" href=\"#{id}\">"));
        self.text(text);
        self.close("a");
    }

    /// A place that a link may lead to; close it as `mark`.
    pub(super) fn open_mark(&mut self, id: &str) {
        self.0.push_str(&format!("<mark id=\"{id}\">"));
    }

    /// A part of a bar: its share of the whole, from 0 to 1, in the colour of this number.
    pub(super) fn part(&mut self, share: f64, colour: usize, title: &str) {
        let percent = share.clamp(0.0, 1.0) * 100.0;
        self.0.push_str(&format!(
            "<span class=\"part c{colour}\" style=\"width:{percent:.3}%\" title=\""
        ));
        self.text(title);
        self.0.push_str("\"></span>");
    }

    /// The colour of a part and what it stands for.
    pub(super) fn key(&mut self, colour: usize, text: &str) {
        self.open("li", "");
        self.0.push_str(&format!("<span class=\"key c{colour}\"></span>"));
        self.text(text);
        self.close("li");
    }

    /// A drawing of this size, in units of its own, and what it shows; close it as `svg`.
    pub(super) fn open_drawing(&mut self, width: f32, height: f32, title: &str) {
        self.0.push_str(&format!(
            "<svg class=\"drawing\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\""
        ));
        self.text(title);
        self.0.push_str("\">\n");
    }

    /// A point of a drawing in the colour of this number, and what shows under the pointer.
    pub(super) fn point(&mut self, [x, y]: [f32; 2], colour: usize, label: &str) {
        self.0
            .push_str(&format!("<circle class=\"c{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\">"));
        self.element("title", "", label);
        self.close("circle");
    }

    /// A point of a drawing with its name beside it, on the side where there is room in `width`.
    pub(super) fn flag(&mut self, [x, y]: [f32; 2], width: f32, name: &str) {
        let (anchor, beside) = if x < width / 2.0 { ("start", 9.0) } else { ("end", -9.0) };
        self.0.push_str(&format!(
            "<path class=\"flag\" d=\"M{x:.1} {:.1}l6 6l-6 6l-6 -6z\"/>\
             <text class=\"flag\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">",
            y - 6.0,
            x + beside,
            y + 4.0
        ));
        self.text(name);
        self.close("text");
    }

    pub(super) fn fact(&mut self, name: &str, value: &str) {
        self.open("div", "");
        self.element("dt", "", name);
        self.element("dd", "", value);
        self.close("div");
    }

    /// Text of any origin. Characters that HTML gives a meaning are written out; what steers or
    /// hides does neither here.
    pub(super) fn text(&mut self, text: &str) {
        for c in visible::text(&text.replace('\r', "")).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
    }
}
