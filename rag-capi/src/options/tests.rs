use std::mem::offset_of;
use std::ptr;

use super::*;

fn zeroed<T: Options>() -> T {
    // SAFETY: all zero is valid for `Options`.
    unsafe { MaybeUninit::<T>::zeroed().assume_init() }
}

/// Padding at the end would let a field appended later be read from an older caller's garbage.
#[test]
fn options_have_no_padding_at_the_end() {
    let word = size_of::<usize>();
    assert_eq!(offset_of!(rag_open_options, reserved_trust) + 4, size_of::<rag_open_options>());
    assert_eq!(offset_of!(rag_sync_options, reserved) + 4, size_of::<rag_sync_options>());
    assert_eq!(offset_of!(rag_add_options, cancel) + word, size_of::<rag_add_options>());
    assert_eq!(offset_of!(rag_search_options, rerank) + 8, size_of::<rag_search_options>());
    let last = offset_of!(rag_ask_options, write_user_data) + word;
    assert_eq!(last, size_of::<rag_ask_options>());
    assert_eq!(offset_of!(rag_guards, reserved) + 4, size_of::<rag_guards>());
    use crate::generator::{rag_generate_options, rag_generator_options};
    let last = offset_of!(rag_generate_options, progress_user_data) + word;
    assert_eq!(last, size_of::<rag_generate_options>());
    use crate::encoder::rag_encoder_options;
    let last = offset_of!(rag_encoder_options, reserved) + 4;
    assert_eq!(last, size_of::<rag_encoder_options>());
    let last = offset_of!(rag_generator_options, backend) + word;
    assert_eq!(last, size_of::<rag_generator_options>());
}

#[test]
fn null_is_all_defaults() {
    // SAFETY: null is allowed.
    let options = unsafe { read::<rag_search_options>(ptr::null()) };
    assert!(options.is_ok_and(|options| options.top_k == 0 && options.cancel.is_null()));
}

#[test]
fn an_older_caller_is_read_only_as_far_as_it_goes() {
    let mut given = zeroed::<rag_search_options>();
    given.struct_size = offset_of!(rag_search_options, mode);
    given.top_k = 7;
    given.mode = 99;
    // SAFETY: a live local.
    let options = unsafe { read(&given) };
    assert!(options.is_ok_and(|options| options.top_k == 7 && options.mode == 0));
}

#[test]
fn a_newer_caller_is_taken_if_what_it_adds_is_default() {
    #[repr(C)]
    struct Newer {
        known: rag_search_options,
        added: u64,
    }
    let mut newer = Newer { known: zeroed(), added: 0 };
    newer.known.struct_size = size_of::<Newer>();
    // SAFETY: the struct is as long as its `struct_size` says.
    assert!(unsafe { read(ptr::from_ref(&newer).cast::<rag_search_options>()) }.is_ok());
    newer.added = 1;
    // SAFETY: as above.
    assert!(unsafe { read(ptr::from_ref(&newer).cast::<rag_search_options>()) }.is_err());
}

#[test]
fn a_size_that_was_not_set_is_refused() {
    for size in [0, 1, 7, 12, MAX_STRUCT_BYTES + 8, usize::MAX] {
        let mut given = zeroed::<rag_open_options>();
        given.struct_size = size;
        // SAFETY: refused before anything beyond `struct_size` is read.
        assert!(unsafe { read(&given) }.is_err(), "struct_size {size}");
    }
}

#[test]
fn numbers_outside_an_enum_are_refused() {
    assert!(choice(1, &["a", "b"], "mode").is_ok_and(|chosen| chosen == "b"));
    assert!(choice(2, &["a", "b"], "mode").is_err());
    assert!(choice(-1, &["a", "b"], "mode").is_err());
}
