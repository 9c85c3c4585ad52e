//! What reads pictures: the engine has no optical character recognition of its own, the caller may
//! bring one.

use crate::error::Result;

/// Reads the text of a picture: optical character recognition, of which the engine has none of its
/// own.
///
/// Called on the thread that reads, one picture at a time; several threads may read at once.
pub trait Recognizer: Send + Sync {
    /// The text in the picture, paragraphs separated by blank lines; empty if there is none.
    ///
    /// # Errors
    /// Whatever the caller's code fails with; the file is then skipped for it.
    fn recognize(&self, picture: &Picture<'_>) -> Result<String>;
}

/// A picture to be read.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// A whole picture file.
    pub bytes: &'a [u8],
    /// Of what format.
    pub format: PictureFormat,
    /// The page it stands on, from 1, if it is part of a document with pages.
    pub page: Option<u32>,
}

/// The format of a [`Picture`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PictureFormat {
    /// JPEG.
    Jpeg,
    /// JPEG 2000.
    Jpeg2000,
    /// PNG.
    Png,
    /// TIFF.
    Tiff,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
    /// Windows bitmap.
    Bmp,
    /// Portable anymap (PBM, PGM or PPM): what a document holds as bare samples.
    Pnm,
}

impl PictureFormat {
    /// The media type, such as `image/jpeg`.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            PictureFormat::Jpeg => "image/jpeg",
            PictureFormat::Jpeg2000 => "image/jp2",
            PictureFormat::Png => "image/png",
            PictureFormat::Tiff => "image/tiff",
            PictureFormat::Gif => "image/gif",
            PictureFormat::Webp => "image/webp",
            PictureFormat::Bmp => "image/bmp",
            PictureFormat::Pnm => "image/x-portable-anymap",
        }
    }

    /// The format that bytes begin as, if we know it.
    pub(in crate::document) fn of(bytes: &[u8]) -> Option<Self> {
        let known = [
            PictureFormat::Jpeg,
            PictureFormat::Jpeg2000,
            PictureFormat::Png,
            PictureFormat::Tiff,
            PictureFormat::Gif,
            PictureFormat::Webp,
            PictureFormat::Bmp,
        ];
        let found = infer::get(bytes)?.mime_type();
        known.into_iter().find(|format| format.media_type() == found)
    }
}
