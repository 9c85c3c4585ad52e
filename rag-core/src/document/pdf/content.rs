//! Runs the operations of a page and collects the text they show, line by line.

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, Object, ObjectId, Stream};

use super::font::{Font, GlyphNames};
use super::layers::Layers;
use super::line::{Fragment, Lines, TextLine};
use crate::document::limits;

/// Whether text marked as page furniture (headers, footers, watermarks) is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Artifacts {
    Drop,
    Keep,
}

/// Bytes the content of one page may decompress to.
const MAX_PAGE_BYTES: usize = 64 << 20;

/// Operations run at most in one file; a page of text has about a thousand.
const MAX_OPERATIONS: usize = 100_000_000;

/// Operations run at most on one page.
const MAX_PAGE_OPERATIONS: usize = 5_000_000;

/// Forms inside forms.
const MAX_FORM_DEPTH: usize = 8;

/// Points beyond the edge of a page from which on text is left out.
const OFF_PAGE: f32 = 20.0;

/// Saved graphics states; more are counted, not kept.
const MAX_SAVED: usize = 256;

/// An affine map `[a b c d e f]` (ISO 32000-1, 8.3.3).
type PageMatrix = [f32; 6];

const IDENTITY: PageMatrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// `first`, then `second`.
fn multiply(first: &PageMatrix, second: &PageMatrix) -> PageMatrix {
    let [a, b, c, d, e, f] = *first;
    let [g, h, i, j, k, l] = *second;
    [
        a * g + b * i,
        a * h + b * j,
        c * g + d * i,
        c * h + d * j,
        e * g + f * i + k,
        e * h + f * j + l,
    ]
}

#[derive(Clone)]
struct GraphicsState {
    to_page: PageMatrix,
    font: Option<Rc<Font>>,
    size: f32,
    char_space: f32,
    word_space: f32,
    /// Horizontal scaling, 1 for 100 %.
    stretch: f32,
    leading: f32,
    rise: f32,
}

impl GraphicsState {
    fn new() -> Self {
        Self {
            to_page: IDENTITY,
            font: None,
            size: 0.0,
            char_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        }
    }
}

/// Marked content.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// Page furniture.
    is_artifact: bool,
    /// Of a layer that is switched off.
    is_off: bool,
}

/// What a page holds that is not among its lines.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traces {
    /// Lines or areas are drawn.
    pub(super) is_drawn: bool,
    /// There is text in layers that are switched off.
    pub(super) has_hidden_text: bool,
}

pub(super) struct Interpreter<'a> {
    file: &'a Document,
    artifacts: Artifacts,
    /// Fonts by the address of their dictionary, which outlives us.
    fonts: HashMap<usize, Rc<Font>>,
    names: GlyphNames,
    undecoded: usize,
    operations: usize,
    page_operations: usize,
    state: GraphicsState,
    saved: Vec<GraphicsState>,
    /// States that were not kept because too many were.
    unsaved: usize,
    text_matrix: PageMatrix,
    line_matrix: PageMatrix,
    /// For each open marked content, what it is.
    marked: Vec<Mark>,
    layers: Layers,
    /// What the page that was run last shows beside text.
    traces: Traces,
    lines: Lines,
    complete: bool,
    /// What is shown of the page: left, bottom, right, top.
    crop: Option<[f32; 4]>,
    /// The pictures that the page draws, each once.
    pictures: Vec<&'a Stream>,
}

/// Pictures of one page that are kept.
const MAX_PICTURES: usize = 100;

impl<'a> Interpreter<'a> {
    pub(super) fn new(file: &'a Document, artifacts: Artifacts) -> Self {
        Self {
            file,
            artifacts,
            fonts: HashMap::new(),
            names: GlyphNames::default(),
            undecoded: 0,
            operations: 0,
            page_operations: 0,
            state: GraphicsState::new(),
            saved: Vec::new(),
            unsaved: 0,
            text_matrix: IDENTITY,
            line_matrix: IDENTITY,
            marked: Vec::new(),
            layers: Layers::of(file),
            traces: Traces::default(),
            lines: Lines::default(),
            complete: true,
            crop: None,
            pictures: Vec::new(),
        }
    }

    /// Glyphs so far of which the fonts did not say what they show.
    pub(super) fn undecoded(&self) -> usize {
        self.undecoded
    }

    /// The pictures of the page that was run last.
    pub(super) fn pictures(&self) -> &[&'a Stream] {
        &self.pictures
    }

    /// What else the page that was run last holds.
    pub(super) fn traces(&self) -> Traces {
        self.traces
    }

    /// The lines of a page in the order they are drawn, and whether all of it could be read.
    ///
    /// What stands left and right of `partings` is kept apart.
    pub(super) fn page(&mut self, id: ObjectId, partings: Vec<[f32; 4]>) -> (Vec<TextLine>, bool) {
        self.lines.part_at(partings);
        self.state = GraphicsState::new();
        self.saved.clear();
        self.unsaved = 0;
        self.marked.clear();
        self.complete = true;
        self.page_operations = 0;
        self.pictures.clear();
        self.traces = Traces::default();
        match (
            self.file.get_dictionary(id),
            self.file.get_page_content_with_limit(id, MAX_PAGE_BYTES),
        ) {
            (Ok(page), Ok(content)) => {
                let resources = self.inherited(page, b"Resources", |o| o.as_dict().ok());
                self.crop = self.crop_box(page);
                self.run(&content, resources, 0);
            }
            _ => self.complete = false,
        }
        (self.lines.take(), self.complete)
    }

    /// A property of the page or of the nearest node above it that has it.
    fn inherited<T>(
        &self,
        page: &'a Dictionary,
        key: &[u8],
        read: impl Fn(&'a Object) -> Option<T>,
    ) -> Option<T> {
        let mut node = page;
        for _ in 0..64 {
            if let Some(found) = node.get_deref(key, self.file).ok().and_then(&read) {
                return Some(found);
            }
            node = node.get_deref(b"Parent", self.file).and_then(Object::as_dict).ok()?;
        }
        None
    }

    /// The part of the page that a viewer shows (ISO 32000-1, 14.11.2); nothing if it is not sound.
    fn crop_box(&self, page: &'a Dictionary) -> Option<[f32; 4]> {
        let area = |object: &'a Object| {
            let numbers = object.as_array().ok()?;
            let number = |index: usize| {
                let (_, number) = self.file.dereference(numbers.get(index)?).ok()?;
                number.as_float().ok()
            };
            let [left, bottom, right, top] = [number(0)?, number(1)?, number(2)?, number(3)?];
            let area = [left.min(right), bottom.min(top), left.max(right), bottom.max(top)];
            (area[2] - area[0] > 10.0 && area[3] - area[1] > 10.0).then_some(area)
        };
        let crop = self.inherited(page, b"CropBox", area);
        crop.or_else(|| self.inherited(page, b"MediaBox", area))
    }

    /// Whether a place lies so far out of the page that no viewer shows what begins there.
    fn is_off_page(&self, x: f32, y: f32) -> bool {
        self.crop.is_some_and(|[left, bottom, right, top]| {
            x < left - OFF_PAGE
                || x > right + OFF_PAGE
                || y < bottom - OFF_PAGE
                || y > top + OFF_PAGE
        })
    }

    fn run(&mut self, content: &[u8], resources: Option<&'a Dictionary>, depth: usize) {
        for operation in Content::decode_iter(content) {
            let Ok(operation) = operation else {
                self.complete = false;
                return;
            };
            limits::tick();
            self.operations += 1;
            self.page_operations += 1;
            if self.operations > MAX_OPERATIONS || self.page_operations > MAX_PAGE_OPERATIONS {
                self.complete = false;
                return;
            }
            self.apply(&operation, resources, depth);
        }
    }

    fn apply(&mut self, operation: &Operation, resources: Option<&'a Dictionary>, depth: usize) {
        let operands = operation.operands.as_slice();
        let number =
            |index: usize| operands.get(index).and_then(|o| o.as_float().ok()).unwrap_or(0.0);
        match operation.operator.as_str() {
            "q" => self.save(),
            "Q" => self.restore(),
            "cm" => {
                let matrix = std::array::from_fn(number);
                self.state.to_page = multiply(&matrix, &self.state.to_page);
            }
            "BT" => {
                self.text_matrix = IDENTITY;
                self.line_matrix = IDENTITY;
            }
            "Tf" => {
                self.state.font = operands
                    .first()
                    .and_then(|o| o.as_name().ok())
                    .and_then(|name| self.font(name, resources));
                self.state.size = number(1);
            }
            "Tc" => self.state.char_space = number(0),
            "Tw" => self.state.word_space = number(0),
            "Tz" => self.state.stretch = number(0) / 100.0,
            "TL" => self.state.leading = number(0),
            "Ts" => self.state.rise = number(0),
            "Td" => self.move_line(number(0), number(1)),
            "TD" => {
                self.state.leading = -number(1);
                self.move_line(number(0), number(1));
            }
            "Tm" => {
                self.line_matrix = std::array::from_fn(number);
                self.text_matrix = self.line_matrix;
            }
            "T*" => self.move_line(0.0, -self.state.leading),
            "Tj" => self.show_operand(operands.first()),
            "'" => {
                self.move_line(0.0, -self.state.leading);
                self.show_operand(operands.first());
            }
            "\"" => {
                self.state.word_space = number(0);
                self.state.char_space = number(1);
                self.move_line(0.0, -self.state.leading);
                self.show_operand(operands.get(2));
            }
            "TJ" => self.show_spaced(operands.first()),
            "BMC" | "BDC" => {
                let tag = operands.first().and_then(|o| o.as_name().ok());
                let is_off = tag == Some(b"OC") && self.is_off(operands.get(1), resources);
                self.marked.push(Mark { is_artifact: tag == Some(b"Artifact"), is_off });
            }
            "f" | "F" | "f*" | "B" | "B*" | "b" | "b*" | "S" | "s" | "sh" => {
                self.traces.is_drawn = true;
            }
            "EMC" => {
                self.marked.pop();
            }
            "Do" if depth < MAX_FORM_DEPTH => {
                if let Some(name) = operands.first().and_then(|o| o.as_name().ok()) {
                    self.draw(name, resources, depth);
                }
            }
            _ => {}
        }
    }

    /// Whether marked content is of a layer that is switched off, by the name the page gives to it.
    fn is_off(&self, name: Option<&Object>, resources: Option<&'a Dictionary>) -> bool {
        let layer = || {
            let layers = resources?.get_deref(b"Properties", self.file).ok()?.as_dict().ok()?;
            layers.get(name?.as_name().ok()?).ok()
        };
        layer().is_some_and(|layer| self.layers.is_off(self.file, layer))
    }

    fn save(&mut self) {
        if self.saved.len() < MAX_SAVED {
            self.saved.push(self.state.clone());
        } else {
            self.unsaved += 1;
        }
    }

    fn restore(&mut self) {
        if self.unsaved > 0 {
            self.unsaved -= 1;
        } else if let Some(state) = self.saved.pop() {
            self.state = state;
        }
    }

    fn move_line(&mut self, x: f32, y: f32) {
        self.line_matrix = multiply(&[1.0, 0.0, 0.0, 1.0, x, y], &self.line_matrix);
        self.text_matrix = self.line_matrix;
    }

    fn font(&mut self, name: &[u8], resources: Option<&'a Dictionary>) -> Option<Rc<Font>> {
        let fonts = resources?.get_deref(b"Font", self.file).and_then(Object::as_dict).ok()?;
        let font = fonts.get_deref(name, self.file).and_then(Object::as_dict).ok()?;
        let address = std::ptr::from_ref(font).addr();
        if let Some(known) = self.fonts.get(&address) {
            return Some(Rc::clone(known));
        }
        let read = Rc::new(Font::new(font, self.file, &mut self.names));
        self.fonts.insert(address, Rc::clone(&read));
        Some(read)
    }

    fn draw(&mut self, name: &[u8], resources: Option<&'a Dictionary>, depth: usize) {
        let objects =
            resources.and_then(|r| r.get_deref(b"XObject", self.file).ok()?.as_dict().ok());
        let form = objects.and_then(|o| o.get_deref(name, self.file).ok()?.as_stream().ok());
        let Some(form) = form else { return };
        if form.dict.get(b"OC").is_ok_and(|layer| self.layers.is_off(self.file, layer)) {
            self.traces.has_hidden_text = true;
            return;
        }
        match form.dict.get_deref(b"Subtype", self.file).and_then(Object::as_name) {
            Ok(b"Form") => {}
            Ok(b"Image") => return self.keep_picture(form),
            _ => return,
        }
        match form.get_plain_content_with_limit(MAX_PAGE_BYTES) {
            Ok(content) => self.run_form(form, &content, resources, depth),
            Err(_) => self.complete = false,
        }
    }

    fn keep_picture(&mut self, picture: &'a Stream) {
        let is_new = !self.pictures.iter().any(|known| std::ptr::eq(*known, picture));
        if is_new && self.pictures.len() < MAX_PICTURES {
            self.pictures.push(picture);
        }
    }

    fn run_form(
        &mut self,
        form: &'a Stream,
        content: &[u8],
        outer: Option<&'a Dictionary>,
        depth: usize,
    ) {
        let own = form.dict.get_deref(b"Resources", self.file).and_then(Object::as_dict).ok();
        let matrix = form.dict.get_deref(b"Matrix", self.file).and_then(Object::as_array).ok();
        let state = self.state.clone();
        let (saved, marked) = (self.saved.len(), self.marked.len());
        if let Some(matrix) = matrix {
            let number =
                |index: usize| matrix.get(index).and_then(|o| o.as_float().ok()).unwrap_or(0.0);
            self.state.to_page = multiply(&std::array::from_fn(number), &self.state.to_page);
        }
        self.run(content, own.or(outer), depth + 1);
        self.state = state;
        self.saved.truncate(saved);
        self.marked.truncate(marked);
    }

    fn show_spaced(&mut self, operand: Option<&Object>) {
        let Some(Ok(items)) = operand.map(Object::as_array) else { return };
        for item in items {
            match item {
                Object::String(bytes, _) => self.show(bytes),
                _ => {
                    let shift = item.as_float().unwrap_or(0.0) / 1000.0;
                    self.advance(-shift * self.state.size * self.state.stretch);
                }
            }
        }
    }

    fn show_operand(&mut self, operand: Option<&Object>) {
        if let Some(Ok(bytes)) = operand.map(Object::as_str) {
            self.show(bytes);
        }
    }

    fn advance(&mut self, x: f32) {
        self.text_matrix = multiply(&[1.0, 0.0, 0.0, 1.0, x, 0.0], &self.text_matrix);
    }

    fn show(&mut self, bytes: &[u8]) {
        let Some(font) = self.state.font.clone() else { return };
        let state = &self.state;
        let (mut text, mut advance, mut undecoded) = (String::new(), 0.0, 0);
        font.glyphs(bytes, |glyph| {
            let word_space = if glyph.is_space_code { state.word_space } else { 0.0 };
            advance += (glyph.width * state.size + state.char_space + word_space) * state.stretch;
            match glyph.text {
                Some(shown) => text.push_str(&shown),
                None => undecoded += 1,
            }
        });
        self.undecoded += undecoded;
        let to_page = multiply(&self.text_matrix, &self.state.to_page);
        self.advance(advance);
        let is_off = self.marked.iter().any(|mark| mark.is_off);
        self.traces.has_hidden_text |= is_off && !text.trim().is_empty();
        let is_artifact = self.marked.iter().any(|mark| mark.is_artifact);
        let hidden = is_off
            || (self.artifacts == Artifacts::Drop && is_artifact)
            || self.is_off_page(to_page[4], to_page[5]);
        if !hidden {
            self.lines.add(place(&to_page, &self.state, &font, advance, text));
        }
    }
}

/// Where shown text stands: along and across the direction it runs in.
fn place(
    to_page: &PageMatrix,
    state: &GraphicsState,
    font: &Font,
    advance: f32,
    text: String,
) -> Fragment {
    let [a, b, c, d, e, f] = *to_page;
    let scale = a.hypot(b);
    let (x, y) = if scale > 0.0 { (a / scale, b / scale) } else { (1.0, 0.0) };
    let (left, base) = (e + c * state.rise, f + d * state.rise);
    let start = left * x + base * y;
    let size = (state.size * font.em * c.hypot(d)).abs();
    Fragment {
        start,
        end: start + advance * scale,
        height: base * x - left * y,
        rise: state.rise * (d * x - c * y),
        direction: (x, y),
        size: if size.is_finite() { size } else { 0.0 },
        is_bold: font.is_bold,
        is_fixed: font.is_fixed,
        text,
    }
}
