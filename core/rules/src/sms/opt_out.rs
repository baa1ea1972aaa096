//! Which answers of a customer ask for no more messages.

use crate::Pack;

/// The words that operators tell customers to send, as in "拒收请回复R" and "回T退订". Those of a pack are beside them, because the
/// signed packs of before name none, and because a customer who was told one of these words must be heard in any case.
pub const OPT_OUT: [&str; 8] = ["R", "T", "TD", "退订", "拒收", "STOP", "UNSUBSCRIBE", "QUIT"];

/// Whether an answer as a whole is one of the words of the pack or of [`OPT_OUT`]: in upper or lower case, in letters of full width,
/// with blanks and signs around or in it. A word within other words is none.
pub fn wants_no_more(pack: &Pack, answer: &str) -> bool {
    let answer = plain(answer);
    let own = pack.sms.opt_out.iter().flatten().map(String::as_str);
    !answer.is_empty() && OPT_OUT.into_iter().chain(own).any(|word| plain(word) == answer)
}

/// The letters and digits of a text, in upper case and usual width.
pub(crate) fn plain(text: &str) -> String {
    let usual = |c: char| match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => c,
    };
    text.chars().map(usual).filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}
