//! What a panic says, for whoever starts the next worker: WebAssembly itself says "unreachable" of any.

use std::sync::Once;

/// Leaves a panic's words in the worker as `pantryPanic`.
pub fn leave_words() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let words = panic.to_string().into();
            // A global object takes any property.
            let _ = js_sys::Reflect::set(&js_sys::global(), &"pantryPanic".into(), &words);
        }));
    });
}
