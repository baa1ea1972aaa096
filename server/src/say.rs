//! Prints lines for the operator.

/// Writes a line to standard error, like `eprintln!`, which panics when nobody can read the line, for example because the
/// terminal or the log's pipe is gone. A server must go on serving then.
#[macro_export]
macro_rules! say {
    ($($line:tt)*) => {{
        let _ = ::std::io::Write::write_fmt(&mut ::std::io::stderr().lock(), format_args!("{}\n", format_args!($($line)*)));
    }};
}

/// Writes a line to standard output, like `println!`, which panics when the reader has gone, for example `head`. The command has
/// done its work by then, and must end normally.
#[macro_export]
macro_rules! tell {
    ($($line:tt)*) => {{
        let _ = ::std::io::Write::write_fmt(&mut ::std::io::stdout().lock(), format_args!("{}\n", format_args!($($line)*)));
    }};
}
