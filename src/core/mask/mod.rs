//! Masking of telephone numbers, e-mail addresses, identity-card numbers and handles.
