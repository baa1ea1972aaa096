//! Why a text has no number.

use crate::words;

words!(
    /// Why a text has no number that can be used.
    NumberFault {
        /// Some of its digits are hidden: `138****8000`.
        Masked = "number_masked",
        /// A spreadsheet has turned it into a decimal or into an error: `1.38E+10`, `13800138000.0`, `########`.
        Spreadsheet = "number_spreadsheet",
        /// It has letters that do not belong to a number.
        Letters = "number_letters",
        /// It has other characters that do not belong to a number.
        Marks = "number_marks",
        /// Its extension cannot be read.
        Extension = "number_extension",
        /// It has `+` or `00` before the digits of a mobile of China, without 86: `+13800138000`. It may also be a number of North
        /// America.
        PlusWithout86 = "number_plus_without_86",
        /// It has too many digits.
        TooLong = "number_too_long",
        /// It has too few digits.
        TooShort = "number_too_short",
        /// It has as many digits as a number, but no number begins like this.
        Shape = "number_shape",
        /// There is no digit.
        Empty = "number_empty",
        /// The value is sealed and cannot be read here.
        Sealed = "number_sealed",
        /// It is a landline, which takes no SMS.
        Landline = "number_landline",
        /// It is a short code, which takes no SMS.
        ShortCode = "number_short_code",
    }
);
