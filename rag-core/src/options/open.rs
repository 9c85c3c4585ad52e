//! Options of opening a knowledge base.

use std::path::PathBuf;
use std::sync::Arc;

use super::encoder::EncoderOptions;
use super::generator::GeneratorOptions;
use super::reranker::RerankerOptions;
use super::{options, switch};
use crate::encode::Encoder;
use crate::model::ModelDirs;
use crate::store::{Access, Filter};

/// Whether what a file says of places outside of it is followed.
///
/// Either way only regular files are opened by the paths of documents, and an encoder that the file names by a path is opened only
/// if that path leads into the model folders or was named by somebody on this machine before
/// ([`ModelDirs::resolve_stored`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Citations are verified in the files that were indexed.
    #[default]
    Trusted,
    /// For a file of somebody else's. Nothing outside of it is touched on its word: every citation of a file is
    /// [`Unverified`](crate::cite::Status::Unverified), no other file is searched with it, and a name in the file is a name in the
    /// model folders, never a path.
    Untrusted,
}

switch!(Trust, Trusted, Untrusted);

options! {
    /// How to open a knowledge base.
    #[derive(Debug, Clone)]
    pub struct OpenOptions("open") {
        /// Encoder, by name, path or hub id.
        encoder: Option<String> = None, unset("the one the file was built with, else e5-small");
        /// Generator, by name, path or hub id, loaded at the first answer; none for the best sentences instead of generated answers.
        llm: Option<String> = None, unset("qwen2.5-0.5b");
        /// Whether to create, write or only read.
        access: Access = Access::Create;
        /// Reranker, by name, path or hub id: a cross-encoder or a model of late interaction, which sorts the best hits anew, loaded at the first search.
        reranker: Option<String> = None, unset("no reranker");
        /// Further knowledge bases that are searched with this one as if all were one file, each by the same encoder and only read.
        also: Vec<PathBuf> = Vec::new(), singular("also");
        /// Only the documents that pass this filter are there, in every call, and none can widen it; the file is then only read.
        filter: Option<Filter> = None, unset("all documents");
        /// Write zeros over what is removed or replaced, and empty the log at the end of each call that does so; purge leaves nothing at
        /// all. Each such call then rewrites the full-text index.
        secure_delete: bool = false;
        /// For a file of somebody else's: follow nothing that it says of places outside of it. Its sources are not verified, no other
        /// file is searched with it, and a name in the file is a name in the model folders, never a path.
        trust: Trust = Trust::Trusted, name("untrusted");
    }
    parts {
        /// How the encoder is loaded, if it is not given loaded.
        encoder_options: EncoderOptions = EncoderOptions::default(), prefixed("encoder_");
        /// How the generator is loaded.
        generator_options: GeneratorOptions = GeneratorOptions::default(), prefixed("generator_");
        /// How the reranker is loaded.
        reranker_options: RerankerOptions = RerankerOptions::default(), prefixed("reranker_");
    }
    code {
        /// An encoder that was loaded before, to be shared, or is the caller's own ([`Encoder::own`]); then [`OpenOptions::encoder`]
        /// is none.
        loaded_encoder: Option<Arc<Encoder>> = None, is("an encoder that is loaded");
        /// Where names are looked up.
        model_dirs: ModelDirs = ModelDirs::default(), is("folders of models");
    }
    check(|_| Ok(()))
}
