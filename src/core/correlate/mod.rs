//! The fold of detections into incidents, one incident key at a time.
