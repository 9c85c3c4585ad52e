//! The models of a knowledge base: found when it is opened, loaded when first needed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::encode::{Encoder, EncoderIdentity, OWN_PREFIX};
use crate::error::{Error, Result};
use crate::generate::Generator;
use crate::model::{DEFAULT_ENCODER, DEFAULT_LLM, ModelDirs};
use crate::passage::EncoderText;
use crate::progress::{Call, CancelToken};
use crate::rerank::Reranker;
use crate::store::{Salvage, Store};

use super::encoding;
use super::types::{NO_LLM, OpenOptions, Trust};

/// How the models are found and loaded and, once loaded, the models.
#[derive(Debug)]
pub(super) struct Models {
    options: OpenOptions,
    encoder_name: EncoderName,
    encoder: Lazy<Arc<Encoder>>,
    generator: Lazy<Generator>,
    reranker: Lazy<Reranker>,
}

/// What the encoder is called, and who says so.
#[derive(Debug)]
enum EncoderName {
    /// The caller, or we by default: a name, a path or a hub id.
    Caller(String),
    /// The file: a name, whatever it looks like.
    File(String),
}

impl EncoderName {
    fn new(named: Option<&String>, stored: Option<String>) -> Self {
        match (named, stored) {
            (Some(name), _) => Self::Caller(name.clone()),
            (None, Some(name)) => Self::File(name),
            (None, None) => Self::Caller(DEFAULT_ENCODER.to_owned()),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Caller(name) | Self::File(name) => name,
        }
    }

    /// The folder or file it stands for.
    fn resolve(&self, dirs: &ModelDirs, trust: Trust) -> Result<PathBuf> {
        match (self, trust) {
            _ if self.text().starts_with(OWN_PREFIX) => Err(own_is_missing(self.text())),
            (Self::Caller(name), _) => dirs.resolve(name),
            (Self::File(name), Trust::Trusted) => dirs.resolve_stored(name),
            (Self::File(name), Trust::Untrusted) => dirs.resolve_name(name),
        }
    }

    /// What the file remembers the encoder by: a name stays a name, a path becomes absolute, so
    /// that it means the same from any folder.
    fn stored(&self, path: &Path) -> String {
        match self {
            Self::Caller(name) if Path::new(name).exists() => {
                let absolute: PathBuf = path.canonicalize().unwrap_or_else(|_| path.to_owned());
                absolute.to_string_lossy().into_owned()
            }
            Self::Caller(name) | Self::File(name) => name.clone(),
        }
    }
}

impl Models {
    /// Decides which models will be used; an explicit generator must exist, a default one is looked
    /// up later.
    ///
    /// The files must be by one encoder.
    pub(super) fn new(stores: &[&Store], options: &OpenOptions) -> Result<Self> {
        let stored = built_with(stores)?.map(|identity| identity.name);
        let encoder_name = EncoderName::new(options.encoder.as_ref(), stored);
        let llm = options.llm.as_ref().filter(|name| *name != NO_LLM);
        for name in llm.into_iter().chain(&options.reranker) {
            options.model_dirs.resolve(name)?;
        }
        Ok(Self {
            options: options.clone(),
            encoder_name,
            encoder: Lazy::default(),
            generator: Lazy::default(),
            reranker: Lazy::default(),
        })
    }

    /// The encoder, checked against the one the file was built with.
    pub(super) fn encoder(&self, stores: &[&Store]) -> Result<&Encoder> {
        let load = || {
            let encoder = self.find_encoder()?;
            let own = encoder.identity();
            match built_with(stores)? {
                Some(found) if found.fingerprint != own.fingerprint => Err(Error::ModelMismatch {
                    expected: short(&own.name, &own.fingerprint),
                    found: short(&found.name, &found.fingerprint),
                }),
                _ => {
                    // the file will name this path; that it is the caller's own word is not for the
                    // file to say
                    if matches!(self.encoder_name, EncoderName::Caller(_)) {
                        self.options.model_dirs.remember(&own.name);
                    }
                    Ok(encoder)
                }
            }
        };
        self.encoder.get_or_load(load).map(Arc::as_ref)
    }

    fn find_encoder(&self) -> Result<Arc<Encoder>> {
        let OpenOptions { loaded_encoder, model_dirs, trust, encoder_options, .. } = &self.options;
        if let Some(given) = loaded_encoder {
            return Ok(Arc::clone(given));
        }
        let path = self.encoder_name.resolve(model_dirs, *trust)?;
        let name = self.encoder_name.stored(&path);
        Encoder::load_with(&path, &name, encoder_options).map(Arc::new)
    }

    fn llm_name(&self) -> &str {
        self.options.llm.as_deref().unwrap_or(DEFAULT_LLM)
    }

    pub(super) fn has_generator(&self) -> bool {
        self.llm_name() != NO_LLM
    }

    pub(super) fn generator(&self) -> Result<&Generator> {
        if !self.has_generator() {
            return Err(Error::NotFound {
                what: "generator",
                name: self.llm_name().to_owned(),
                hint: "the knowledge base was opened without one".to_owned(),
            });
        }
        let load = || {
            let path = self.options.model_dirs.resolve(self.llm_name())?;
            Generator::load_with(&path, &self.options.generator_options)
        };
        self.generator.get_or_load(load)
    }

    pub(super) fn generator_is_loaded(&self) -> bool {
        self.generator.value.get().is_some()
    }

    pub(super) fn has_reranker(&self) -> bool {
        self.options.reranker.is_some()
    }

    /// The reranker, if one was named.
    pub(super) fn reranker(&self) -> Result<Option<&Reranker>> {
        let Some(name) = &self.options.reranker else { return Ok(None) };
        let load = || {
            let path = self.options.model_dirs.resolve(name)?;
            Reranker::load_with(&path, &self.options.reranker_options)
        };
        self.reranker.get_or_load(load).map(Some)
    }
}

/// A file that was built with a caller's own encoder was opened without it.
fn own_is_missing(name: &str) -> Error {
    Error::NotFound {
        what: "encoder",
        name: name.to_owned(),
        hint: "the file was built with an encoder of its program's own: open it with that"
            .to_owned(),
    }
}

/// The encoder that all files were built with; `None` if none was built with any yet.
fn built_with(stores: &[&Store]) -> Result<Option<EncoderIdentity>> {
    let mut first: Option<EncoderIdentity> = None;
    for store in stores {
        match (&first, store.encoder()?) {
            (_, None) => {}
            (None, found) => first = found,
            (Some(first), Some(found)) if first.fingerprint == found.fingerprint => {}
            (Some(first), Some(found)) => {
                let place = store.path().display();
                return Err(Error::ModelMismatch {
                    expected: short(&first.name, &first.fingerprint),
                    found: format!("{} of {place}", short(&found.name, &found.fingerprint)),
                });
            }
        }
    }
    Ok(first)
}

/// Takes over what is intact in a damaged file; the encoder is loaded only if a vector must be made
/// again.
pub(super) fn salvage(
    from: &Path,
    to: &Path,
    options: &OpenOptions,
    cancel: &CancelToken,
) -> Result<Salvage> {
    let stored = Store::encoder_of(from);
    let stored_name = stored.as_ref().map(|identity| identity.name.clone());
    let name = EncoderName::new(options.encoder.as_ref(), stored_name);
    let load = || -> Result<Arc<Encoder>> {
        if let Some(given) = &options.loaded_encoder {
            return Ok(Arc::clone(given));
        }
        let path = name.resolve(&options.model_dirs, options.trust)?;
        Encoder::load_with(&path, name.text(), &options.encoder_options).map(Arc::new)
    };
    let encoder = Lazy::default();
    // a file that does not say which encoder it was built with takes the word of the caller
    let named = match (&stored, &options.encoder) {
        (None, Some(_)) => Some(encoder.get_or_load(load)?.identity().clone()),
        (None, None) if options.loaded_encoder.is_some() => {
            Some(encoder.get_or_load(load)?.identity().clone())
        }
        _ => None,
    };
    let mut encode = |texts: &[EncoderText<'_>]| -> Result<Vec<f32>> {
        let encoder: &Encoder = encoder.get_or_load(load)?;
        let own = encoder.identity();
        if let Some(found) = stored.as_ref().filter(|held| held.fingerprint != own.fingerprint) {
            let expected = short(&own.name, &own.fingerprint);
            return Err(Error::ModelMismatch {
                expected,
                found: short(&found.name, &found.fingerprint),
            });
        }
        let texts = encoding::fitted(encoder, texts)?;
        Ok(encoder.encode_passages_with(&texts, Call::new().cancel(cancel))?.data)
    };
    Store::salvage_with(from, to, named.as_ref(), &mut encode, cancel)
}

fn short(name: &str, fingerprint: &str) -> String {
    format!("{name} ({})", fingerprint.get(..12).unwrap_or(fingerprint))
}

/// A value loaded once; a failed load is tried again at the next use.
#[derive(Debug)]
struct Lazy<T> {
    value: OnceLock<T>,
    loading: Mutex<()>,
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self { value: OnceLock::new(), loading: Mutex::new(()) }
    }
}

impl<T> Lazy<T> {
    fn get_or_load(&self, load: impl FnOnce() -> Result<T>) -> Result<&T> {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let _one_at_a_time = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let value = load()?;
        Ok(self.value.get_or_init(|| value))
    }
}
