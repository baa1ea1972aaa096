//! Prints the answers of the administrator's commands.

/// Writes a line to standard output, like `println!`, which panics when the reader has gone, for example `head`. The command has
/// done its work by then, and must end normally.
#[macro_export]
macro_rules! tell {
    ($($line:tt)*) => {{
        let _ = ::std::io::Write::write_fmt(&mut ::std::io::stdout().lock(), format_args!("{}\n", format_args!($($line)*)));
    }};
}
