//! Strategy files.
