//! Where models are looked for on disk, and how a name becomes a folder or file. Never downloads.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::files;
use crate::model::{DEFAULT_ENCODER, DEFAULT_LLM};

/// In the user's cache: notes of the encoders that were named by path.
const NAMED: &str = ".named-by-path";

/// Where models are looked for, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelDirs {
    /// Folders that hold one folder per model name.
    pub model_dirs: Vec<PathBuf>,
    /// Hugging Face hub caches, read only.
    pub hub_caches: Vec<PathBuf>,
}

impl ModelDirs {
    /// The documented places, from the variables `RAG_MODELS`, `RAG_CACHE`, `XDG_CACHE_HOME`,
    /// `HF_HUB_CACHE`, `HF_HOME` and `HOME`; `lookup` is usually `|name| std::env::var_os(name)`.
    ///
    /// In order: each folder of `RAG_MODELS` (separated as in `PATH`); `models` under `RAG_CACHE`,
    /// else under `rag` in `XDG_CACHE_HOME`, else in `HOME/.cache`; then every hub cache:
    /// `HF_HUB_CACHE`, `HF_HOME/hub`, `XDG_CACHE_HOME/huggingface/hub`,
    /// `HOME/.cache/huggingface/hub`. A variable that is not set or is empty takes its places away;
    /// nothing else is needed.
    #[must_use]
    pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let folder = |name: &str| variable(name).map(PathBuf::from);
        let home_cache = folder("HOME").map(|home| home.join(".cache"));
        let xdg_cache = folder("XDG_CACHE_HOME");
        let user_cache = xdg_cache.clone().or_else(|| home_cache.clone());
        let own_cache = folder("RAG_CACHE").or_else(|| user_cache.map(|cache| cache.join("rag")));

        let mut dirs = Self::default();
        if let Some(list) = variable("RAG_MODELS") {
            dirs.model_dirs.extend(std::env::split_paths(&list).filter(|p| p != Path::new("")));
        }
        dirs.model_dirs.extend(own_cache.map(|cache| cache.join("models")));
        dirs.hub_caches.extend(folder("HF_HUB_CACHE"));
        dirs.hub_caches.extend(folder("HF_HOME").map(|home| home.join("hub")));
        dirs.hub_caches.extend(xdg_cache.map(|cache| cache.join("huggingface/hub")));
        dirs.hub_caches.extend(home_cache.map(|cache| cache.join("huggingface/hub")));
        dirs
    }

    /// The folder or file that `name` stands for: a path that exists, a name in `model_dirs`, or a
    /// hub id (`"owner/name"`) in a hub cache.
    ///
    /// A name never leads out of the folders above: one with `..` in it is only ever read as a
    /// path.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`](crate::ErrorCode::NotFound) with the places looked in.
    pub fn resolve(&self, name: &str) -> Result<PathBuf> {
        let path = Path::new(name);
        if !name.is_empty() && !name.contains('\0') && path.exists() {
            return Ok(path.to_owned());
        }
        self.named(name).ok_or_else(|| Error::NotFound {
            what: "model",
            name: name.to_owned(),
            hint: self.hint(name),
        })
    }

    /// As [`ModelDirs::resolve`] for a name that a file brought along, and that anybody may have
    /// written: it is looked up in the folders above and nowhere else. A path is taken only if it
    /// leads into one of these folders, or if somebody on this machine named that path for a
    /// knowledge base before ([`ModelDirs::remember`]).
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`](crate::ErrorCode::NotFound), with what to do.
    pub fn resolve_stored(&self, name: &str) -> Result<PathBuf> {
        let known = |path: &PathBuf| path.exists();
        let found = self.named(name);
        let found = found.or_else(|| self.inside(name).filter(known));
        found.or_else(|| self.remembered(name).filter(known)).ok_or_else(|| self.not_stored(name))
    }

    /// As [`ModelDirs::resolve_stored`] for a name alone: no path is taken.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`](crate::ErrorCode::NotFound), with what to do.
    pub fn resolve_name(&self, name: &str) -> Result<PathBuf> {
        self.named(name).ok_or_else(|| self.not_stored(name))
    }

    fn not_stored(&self, name: &str) -> Error {
        let hint = if is_plain(name) {
            self.hint(name)
        } else {
            "a file says so, and paths are not opened on the word of a file: if you trust it, name the encoder yourself \
             (--encoder PATH, encoder=PATH)"
                .to_owned()
        };
        Error::NotFound { what: "model", name: name.to_owned(), hint }
    }

    /// Notes that the caller named the model at the absolute `path` himself, so that a file which
    /// names it so is believed on this machine. The note lies in the last of `model_dirs`, which is
    /// the user's cache; where it cannot be written there is none.
    pub(crate) fn remember(&self, path: &str) {
        if self.inside(path).is_some() || self.remembered(path).is_some() {
            return;
        }
        let Some((note, folder)) = self.note(path).and_then(|note| {
            let folder = note.parent()?.to_owned();
            Some((note, folder))
        }) else {
            return;
        };
        // a cache that cannot be written is one that remembers nothing
        let _ = fs::create_dir_all(folder).and_then(|()| fs::write(note, path));
    }

    fn remembered(&self, name: &str) -> Option<PathBuf> {
        let note = self.note(name)?;
        let info = fs::symlink_metadata(&note).ok()?;
        let is_note = info.is_file() && info.len() == name.len() as u64;
        (is_note && fs::read_to_string(note).ok()? == name).then(|| PathBuf::from(name))
    }

    /// Where it is noted that a path was named.
    fn note(&self, path: &str) -> Option<PathBuf> {
        if !Path::new(path).is_absolute() {
            return None;
        }
        let hash = blake3::hash(path.as_bytes()).to_hex();
        Some(self.model_dirs.last()?.join(NAMED).join(hash.get(..32)?))
    }

    /// A name in `model_dirs`, or a hub id in a hub cache.
    fn named(&self, name: &str) -> Option<PathBuf> {
        if !is_plain(name) {
            return None;
        }
        let found = self.model_dirs.iter().map(|dir| dir.join(name)).find(|p| p.exists());
        found.or_else(|| self.hub_caches.iter().find_map(|cache| in_hub(cache, name)))
    }

    /// A path that leads into one of the folders, by its letters alone: nothing outside of them is
    /// looked at.
    fn inside(&self, name: &str) -> Option<PathBuf> {
        let path = Path::new(name);
        let plain = |part: Component<'_>| !matches!(part, Component::ParentDir | Component::CurDir);
        if name.contains('\0') || !path.is_absolute() || !path.components().all(plain) {
            return None;
        }
        let folders = self.model_dirs.iter().chain(&self.hub_caches);
        let leads_into = |folder: &PathBuf| {
            let real = folder.canonicalize().ok();
            real.into_iter()
                .chain([folder.clone()])
                .any(|folder| folder.is_absolute() && path != folder && path.starts_with(&folder))
        };
        folders.into_iter().any(leads_into).then(|| path.to_owned())
    }

    fn hint(&self, name: &str) -> String {
        if !is_plain(name) {
            return "not a path that exists, and not a model name".into();
        }
        let mut hint = String::from("not a path");
        let places = self.model_dirs.iter().chain(&self.hub_caches);
        for place in places {
            let _ = write!(hint, ", not in {}", place.display());
        }
        match self.nearest(name) {
            Some(near) => {
                let _ = write!(hint, "; did you mean {near}?");
            }
            // models of a hub are known there by an owner and a name
            None if name.contains('/') => hint.push_str(
                "; a model of a hub has to be on this machine: give its folder or GGUF file, or \
                 see `rag model list` for those that `rag model fetch` gets",
            ),
            None => {
                let _ = write!(hint, "; `rag model fetch {name}` gets a known model");
            }
        }
        hint
    }

    /// The model here or known by default whose name is as good as this one.
    fn nearest(&self, name: &str) -> Option<String> {
        let entries = self.model_dirs.iter().filter_map(|folder| std::fs::read_dir(folder).ok());
        let here = entries.flatten().flatten().map(|entry| entry.file_name());
        let here = here.filter_map(|name| name.into_string().ok());
        let distance = |known: &String| strsim::damerau_levenshtein(name, known);
        let near = here.chain([DEFAULT_ENCODER, DEFAULT_LLM].map(str::to_owned));
        let near = near.filter(|known| distance(known) <= 1 + known.len() / 5);
        near.min_by_key(|known| (distance(known), known.clone()))
    }
}

/// Whether `name` is one or two ordinary path components: a model name or a hub id.
fn is_plain(name: &str) -> bool {
    let ordinary = |part: Component<'_>| matches!(part, Component::Normal(_));
    let parts = Path::new(name).components();
    !name.contains(['\0', '\\'])
        && (1..=2).contains(&parts.clone().count())
        && parts.into_iter().all(ordinary)
}

/// The snapshot of hub id `name` in a hub cache: the one `refs/main` names, else the only one.
fn in_hub(cache: &Path, name: &str) -> Option<PathBuf> {
    let repository = cache.join(format!("models--{}", name.replace('/', "--")));
    let snapshots = repository.join("snapshots");
    let main = files::read_text(&repository.join("refs/main")).ok();
    let main = main.map(|commit| commit.trim().to_owned()).filter(|commit| is_plain(commit));
    if let Some(folder) = main.map(|commit| snapshots.join(commit)).filter(|path| path.is_dir()) {
        return Some(folder);
    }
    let folders = fs::read_dir(&snapshots).ok()?.flatten().map(|entry| entry.path());
    let mut folders = folders.filter(|path| path.is_dir());
    let only = folders.next()?;
    folders.next().is_none().then_some(only)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    fn dirs(variables: &[(&str, &str)]) -> ModelDirs {
        ModelDirs::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn places_follow_the_documented_order() {
        let found = dirs(&[
            ("RAG_MODELS", "/a:/b"),
            ("RAG_CACHE", "/cache"),
            ("XDG_CACHE_HOME", "/xdg"),
            ("HF_HUB_CACHE", "/hub"),
            ("HF_HOME", "/hf"),
            ("HOME", "/home/u"),
        ]);
        assert_eq!(found.model_dirs, ["/a", "/b", "/cache/models"].map(PathBuf::from));
        let hubs = ["/hub", "/hf/hub", "/xdg/huggingface/hub", "/home/u/.cache/huggingface/hub"];
        assert_eq!(found.hub_caches, hubs.map(PathBuf::from));
    }

    #[test]
    fn without_a_home_only_named_places_are_left() {
        assert_eq!(dirs(&[]), ModelDirs::default());
        assert_eq!(dirs(&[("RAG_MODELS", "/a"), ("HOME", "")]).model_dirs, [PathBuf::from("/a")]);
        assert_eq!(dirs(&[]).resolve("minilm").unwrap_err().code(), ErrorCode::NotFound);
    }

    #[test]
    fn the_message_names_the_places_and_the_fetch_command() {
        let line = dirs(&[("HOME", "/nowhere")]).resolve("minilm").unwrap_err().line();
        assert!(line.contains("/nowhere/.cache/rag/models"), "{line}");
        assert!(line.contains("rag model fetch minilm"), "{line}");
    }

    #[test]
    fn names_never_lead_out_of_the_folders() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("models")).unwrap();
        fs::create_dir_all(root.path().join("secret")).unwrap();
        let dirs = ModelDirs { model_dirs: vec![root.path().join("models")], hub_caches: vec![] };
        for name in
            ["../secret", "", "a/../../secret", "./secret", "a\0b", "/nowhere/at/all", "a/b/c"]
        {
            assert_eq!(dirs.resolve(name).unwrap_err().code(), ErrorCode::NotFound, "{name:?}");
        }
    }

    #[test]
    fn a_name_out_of_a_file_is_looked_up_and_never_opened_as_a_path() {
        let root = tempfile::tempdir().unwrap();
        let (models, secret) = (root.path().join("models"), root.path().join("secret"));
        fs::create_dir_all(models.join("small")).unwrap();
        fs::create_dir_all(&secret).unwrap();
        let dirs = ModelDirs { model_dirs: vec![models.clone()], hub_caches: vec![] };
        assert_eq!(dirs.resolve_stored("small").unwrap(), models.join("small"));
        let inside = models.join("small").to_str().unwrap().to_owned();
        assert_eq!(dirs.resolve_stored(&inside).unwrap(), models.join("small"));
        let secret = secret.to_str().unwrap().to_owned();
        assert_eq!(dirs.resolve(&secret).unwrap(), Path::new(&secret));
        let back_up = format!("{}/../secret", models.display());
        let folder = models.to_str().unwrap();
        for name in [&secret, &back_up, folder, "../secret", "src", "src/model", "a\\b", "", "/"] {
            let error = dirs.resolve_stored(name).unwrap_err();
            assert_eq!(error.code(), ErrorCode::NotFound, "{name:?}");
        }
        let line = dirs.resolve_stored(&secret).unwrap_err().line();
        assert!(line.contains("--encoder PATH"), "{line}");

        dirs.remember(&secret);
        assert_eq!(dirs.resolve_stored(&secret).unwrap(), Path::new(&secret));
        assert!(dirs.resolve_name(&secret).is_err() && dirs.resolve_name("small").is_ok());
        fs::remove_dir(&secret).unwrap();
        assert!(dirs.resolve_stored(&secret).is_err());
        ModelDirs::default().remember(&secret);
    }

    #[test]
    fn a_name_a_path_and_a_hub_id_resolve() {
        let root = tempfile::tempdir().unwrap();
        let (models, hub) = (root.path().join("models"), root.path().join("hub"));
        let snapshots = hub.join("models--owner--name/snapshots");
        for folder in [models.join("small"), snapshots.join("aaa"), snapshots.join("bbb")] {
            fs::create_dir_all(folder).unwrap();
        }
        let dirs = ModelDirs { model_dirs: vec![models.clone()], hub_caches: vec![hub.clone()] };
        assert_eq!(dirs.resolve("small").unwrap(), models.join("small"));
        let path = models.join("small").to_str().unwrap().to_owned();
        assert_eq!(dirs.resolve(&path).unwrap(), models.join("small"));
        assert!(dirs.resolve("owner/name").is_err(), "two snapshots and no refs/main");
        fs::create_dir_all(hub.join("models--owner--name/refs")).unwrap();
        fs::write(hub.join("models--owner--name/refs/main"), "bbb\n").unwrap();
        assert_eq!(dirs.resolve("owner/name").unwrap(), snapshots.join("bbb"));
    }
}
