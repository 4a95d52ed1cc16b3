//! Decoders: bytes of a feed record in, a masked report out, or a refusal with a stable code.
