//! What runs a network: our own kernels, or candle's on a processor or a GPU.

use std::fmt;

use candle_core::Device;

use crate::error::{Error, Result};
use crate::options::form;

/// What runs a network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Backend {
    /// Our own kernels on the CPU; candle-transformers, also on the CPU, for generators that they
    /// do not run.
    #[default]
    Auto,
    /// candle-transformers on the CPU, for families that it runs here: to compare, or to look for a
    /// fault.
    Candle,
    /// candle-transformers on the CUDA device of this number; needs a build with the feature
    /// `cuda`.
    Cuda(usize),
    /// candle-transformers on the Metal device of this number; needs a build with the feature
    /// `metal`.
    Metal(usize),
}

impl Backend {
    /// Reads `auto`, `candle`, `cuda`, `cuda:1`, `metal` or `metal:1`.
    ///
    /// # Errors
    /// InvalidArgument for anything else.
    pub fn parse(name: &str) -> Result<Self> {
        let (kind, index) = match name.split_once(':') {
            Some((kind, index)) => (kind, Some(index.parse::<usize>().ok())),
            None => (name, None),
        };
        match (kind, index) {
            ("auto", None) => Ok(Self::Auto),
            ("candle", None) => Ok(Self::Candle),
            ("cuda", None) => Ok(Self::Cuda(0)),
            ("metal", None) => Ok(Self::Metal(0)),
            ("cuda", Some(Some(index))) => Ok(Self::Cuda(index)),
            ("metal", Some(Some(index))) => Ok(Self::Metal(index)),
            _ => {
                let reason =
                    format!("{name:?} is not auto, candle, cuda, cuda:N, metal or metal:N");
                Err(Error::invalid("backend", reason))
            }
        }
    }

    /// candle's device for it.
    ///
    /// # Errors
    /// InvalidArgument if the device is not there or this build has no support for it.
    pub(crate) fn device(self) -> Result<Device> {
        let made = match self {
            Self::Auto | Self::Candle => return Ok(Device::Cpu),
            Self::Cuda(index) => Device::new_cuda(index),
            Self::Metal(index) => Device::new_metal(index),
        };
        made.map_err(|cause| {
            let reason = format!("{self} cannot be used: {cause} (features `cuda` and `metal`)");
            Error::invalid("backend", reason)
        })
    }
}

form!(Backend, "backend", "auto, candle, cuda[:N] or metal[:N]");

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Candle => f.write_str("candle"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Metal(index) => write!(f, "metal:{index}"),
        }
    }
}
