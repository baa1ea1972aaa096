//! The camera's metadata. They are kept in the entry and removed from the bytes, because other people see the bytes.

use chrono::NaiveDate;
use doorstep_domain::{Capture, GeoPosition, MAX_CAMERA, UnixMs};
use exif::{DateTime, Exif, In, Reader, Tag, Value};

use crate::segments::{Segments, exif, xmp};

/// Most EXIF blocks that are read. An app that edits a picture may put one of its own before the camera's.
const MAX_BLOCKS: usize = 4;

/// The EXIF blocks of a picture. Each fact is taken from the first block that has it.
pub(crate) struct Told(Vec<Block>);

impl Told {
    /// Reads a TIFF for each block.
    pub(crate) fn read(tiffs: &[&[u8]]) -> Self {
        Self(tiffs.iter().take(MAX_BLOCKS).filter_map(|tiff| Block::read(tiff)).collect())
    }

    /// The camera's orientation, 1 to 8; 1 if it is not stated.
    pub(crate) fn orientation(&self) -> u32 {
        self.0.iter().find_map(Block::orientation).unwrap_or(1)
    }

    /// Time, position and camera of the picture. `zone_quarters` is the device's zone, for cameras that do not state theirs.
    pub(crate) fn capture(&self, zone_quarters: i8) -> Capture {
        // An app that edits a picture writes its own time, so the camera's is looked for in all blocks first.
        let at = TIMES.iter().find_map(|time| self.0.iter().find_map(|block| block.at(time, zone_quarters)));
        Capture { at, position: self.0.iter().find_map(Block::position), camera: self.0.iter().find_map(Block::camera) }
    }
}

/// A time with its zone and its fraction of a second.
struct Time {
    at: Tag,
    zone: Tag,
    fraction: Tag,
}

/// The times of a picture: when it was taken, when it became a file, when the file was changed.
const TIMES: [Time; 3] = [
    Time { at: Tag::DateTimeOriginal, zone: Tag::OffsetTimeOriginal, fraction: Tag::SubSecTimeOriginal },
    Time { at: Tag::DateTimeDigitized, zone: Tag::OffsetTimeDigitized, fraction: Tag::SubSecTimeDigitized },
    Time { at: Tag::DateTime, zone: Tag::OffsetTime, fraction: Tag::SubSecTime },
];

/// An EXIF block, read as far as it is valid. A broken block has fewer fields.
struct Block(Exif);

impl Block {
    fn read(tiff: &[u8]) -> Option<Self> {
        let mut reader = Reader::new();
        reader.continue_on_error(true);
        reader.read_raw(tiff.to_vec()).or_else(|error| error.distill_partial_result(|_| {})).ok().map(Self)
    }

    fn value(&self, tag: Tag) -> Option<&Value> {
        self.0.get_field(tag, In::PRIMARY).map(|field| &field.value)
    }

    fn text(&self, tag: Tag) -> Option<&[u8]> {
        match self.value(tag)? {
            Value::Ascii(parts) => parts.first().map(Vec::as_slice),
            _ => None,
        }
    }

    /// Pairs of numerator and denominator. A Nokia writes its position with a sign, which EXIF does not know.
    fn fractions(&self, tag: Tag) -> Option<Vec<(f64, f64)>> {
        match self.value(tag)? {
            Value::Rational(numbers) => Some(numbers.iter().map(|n| (n.num.into(), n.denom.into())).collect()),
            Value::SRational(numbers) => Some(numbers.iter().map(|n| (n.num.into(), n.denom.into())).collect()),
            _ => None,
        }
    }

    fn orientation(&self) -> Option<u32> {
        self.value(Tag::Orientation).and_then(|value| value.get_uint(0)).filter(|n| (1..=8).contains(n))
    }

    fn at(&self, time: &Time, zone_quarters: i8) -> Option<UnixMs> {
        let mut told = DateTime::from_ascii(self.text(time.at)?).ok()?;
        // An unreadable zone or fraction is left out; the time is still valid.
        let _ = self.text(time.fraction).map(|text| told.parse_subsec(text));
        // Many phones state one zone for all times.
        let zones = [time.zone, Tag::OffsetTimeOriginal, Tag::OffsetTime, Tag::OffsetTimeDigitized];
        let stated = zones.iter().find_map(|tag| self.text(*tag).and_then(zone_minutes));
        let offset = stated.unwrap_or(i64::from(zone_quarters) * 15);
        let date = NaiveDate::from_ymd_opt(told.year.into(), told.month.into(), told.day.into())?;
        let local = date.and_hms_opt(told.hour.into(), told.minute.into(), told.second.into())?;
        let ms = i64::from(told.nanosecond.unwrap_or(0) / 1_000_000);
        // A camera without a date writes year 0.
        (told.year > 0).then(|| UnixMs(local.and_utc().timestamp_millis() + ms - offset * 60_000))
    }

    fn position(&self) -> Option<GeoPosition> {
        let axis = |number: Tag, reference: Tag, positive: &[u8], negative: &[u8]| {
            let sign = match self.text(reference)?.trim_ascii() {
                sign if sign == positive => 1.0,
                sign if sign == negative => -1.0,
                _ => return None,
            };
            let degrees = degrees(&self.fractions(number)?)?;
            // In range by the check in `degrees`.
            Some((sign * degrees * 1e7).round() as i32)
        };
        let lat = axis(Tag::GPSLatitude, Tag::GPSLatitudeRef, b"N", b"S")?;
        let lon = axis(Tag::GPSLongitude, Tag::GPSLongitudeRef, b"E", b"W")?;
        // V means no fix. A camera without a fix writes 0, 0.
        let fixed = self.text(Tag::GPSStatus) != Some(b"V") && (lat, lon) != (0, 0);
        let position = GeoPosition::new(lat, lon).filter(|_| fixed)?;
        Some(GeoPosition { accuracy_m: self.accuracy_m(), ..position })
    }

    /// How far off the position may be, in whole metres, rounded up.
    fn accuracy_m(&self) -> Option<u32> {
        let (metres, of) = *self.fractions(Tag::GPSHPositioningError)?.first()?;
        let metres = (metres / of).ceil();
        // A cast from a float saturates. A camera without a measure writes a denominator of 0.
        (metres.is_finite() && metres >= 0.0).then_some(metres as u32)
    }

    fn camera(&self) -> Option<String> {
        let part = |tag| self.text(tag).map(printable).unwrap_or_default();
        let (make, model) = (part(Tag::Make), part(Tag::Model));
        let mut camera = if model.starts_with(&make) { model } else { format!("{make} {model}").trim().to_owned() };
        while camera.len() > MAX_CAMERA {
            camera.pop();
        }
        (!camera.is_empty()).then_some(camera)
    }
}

/// The minutes of a zone east of UTC: `+08:00`, or as some apps write it, `+0800`, `+08` or `Z`. `None`: no zone on earth.
fn zone_minutes(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    if text == b"Z" {
        return Some(0);
    }
    let (sign, rest) = text.split_first()?;
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let number =
        |digits: &[u8]| digits.iter().try_fold(0, |n, digit| digit.is_ascii_digit().then(|| n * 10 + i64::from(digit - b'0')));
    let (hours, minutes) = rest.split_at_checked(2)?;
    let minutes = match minutes.strip_prefix(b":").unwrap_or(minutes) {
        b"" => 0,
        digits if digits.len() == 2 => number(digits)?,
        _ => return None,
    };
    let east = number(hours)? * 60 + minutes;
    (minutes < 60 && east <= 14 * 60).then_some(sign * east)
}

/// Degrees, minutes and seconds as degrees of 0 to 180. A camera without a fix writes a denominator of 0.
fn degrees(parts: &[(f64, f64)]) -> Option<f64> {
    // Without a denominator it is infinite or no number, and in no range.
    let degrees: f64 = parts.iter().zip([1.0, 60.0, 3600.0]).map(|((count, of), unit)| count / of / unit).sum();
    (!parts.is_empty() && (0.0..=180.0).contains(&degrees)).then_some(degrees)
}

fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let kept: String = text.chars().filter(|c| !c.is_control() && *c != char::REPLACEMENT_CHARACTER).collect();
    kept.trim().to_owned()
}

/// Whether a JPEG has a position, readable or not, in its EXIF or XMP or in those of a picture appended to it. Results of
/// [`prepare`](crate::prepare()) never have one. `false` if the bytes are not a JPEG.
pub fn tells_position(bytes: &[u8]) -> bool {
    let in_xmp = |packet: &[u8]| packet.windows(4).any(|word| word == b":GPS");
    let in_exif = |tiff: &[u8]| {
        let told = Block::read(tiff);
        [Tag::GPSLatitude, Tag::GPSLongitude, Tag::GPSDestLatitude, Tag::GPSDestLongitude]
            .iter()
            .any(|tag| told.as_ref().is_some_and(|block| block.value(*tag).is_some()))
    };
    bytes.starts_with(b"\xff\xd8")
        && Segments::of(bytes)
            .any(|(marker, payload)| exif(marker, payload).is_some_and(in_exif) || xmp(marker, payload).is_some_and(in_xmp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_needs_sound_numbers() {
        assert_eq!(degrees(&[(30.0, 1.0), (30.0, 1.0), (36.0, 1.0)]), Some(30.51));
        assert_eq!(degrees(&[(61.0, 2.0)]), Some(30.5));
        for broken in [&[][..], &[(30.0, 0.0)], &[(30.0, 1.0), (0.0, 0.0)], &[(181.0, 1.0)], &[(-1.0, 1.0)]] {
            assert_eq!(degrees(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_zone_is_read_in_each_of_its_spellings() {
        for (text, minutes) in [("+08:00", 480), ("-03:30", -210), ("+0545", 345), ("+08", 480), ("Z", 0), (" +00:00", 0)] {
            assert_eq!(zone_minutes(text.as_bytes()), Some(minutes), "{text}");
        }
        for text in ["", "   :  ", "+99:00", "+14:30", "08:00", "+8", "+08:0", "+08:60", "+-8:00", "+08:+1", "PST"] {
            assert_eq!(zone_minutes(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_camera_is_named_without_what_can_not_be_printed() {
        assert_eq!(printable(b" HMD\x07 Global\xff\n"), "HMD Global");
    }
}
