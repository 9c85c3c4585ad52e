//! The functions between the two halves of a feed-forward layer, by name.

/// A function of each number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// GELU with the error function (Hendrycks and Gimpel 2016).
    Gelu,
    /// GELU by its tanh approximation (Hendrycks and Gimpel 2016).
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `x * sigmoid(x)`.
    Silu,
}
