//! Lines for the operator.

/// Writes a line to standard error, like `eprintln!`. `eprintln!` panics when nobody can read the line, for example because the
/// terminal or the log's pipe is gone; a server goes on serving then.
#[macro_export]
macro_rules! say {
    ($($line:tt)*) => {{
        let _ = ::std::io::Write::write_fmt(&mut ::std::io::stderr().lock(), format_args!("{}\n", format_args!($($line)*)));
    }};
}

/// Writes a line to standard output, like `println!`, which panics when nobody reads on, for example because `head` has enough. What
/// the command did is done by then, and it ends as it should.
#[macro_export]
macro_rules! tell {
    ($($line:tt)*) => {{
        let _ = ::std::io::Write::write_fmt(&mut ::std::io::stdout().lock(), format_args!("{}\n", format_args!($($line)*)));
    }};
}
