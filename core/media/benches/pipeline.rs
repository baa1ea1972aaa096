//! What a photo costs.

fn main() {}
