//! The camera's metadata. They are kept in the entry and removed from the bytes, because other people see the bytes.

use chrono::NaiveDate;
use doorstep_domain::{Capture, GeoPosition, MAX_CAMERA, UnixMs};
use exif::{DateTime, Exif, In, Reader, Tag, Value};

use crate::segments::{Segments, exif, xmp};

/// An EXIF block, read as far as it is valid. A broken block has fewer fields, or none.
pub(crate) struct Told(Option<Exif>);

impl Told {
    /// Reads a TIFF.
    pub(crate) fn read(tiff: Option<&[u8]>) -> Self {
        let mut reader = Reader::new();
        reader.continue_on_error(true);
        let read = |tiff: &[u8]| reader.read_raw(tiff.to_vec()).or_else(|error| error.distill_partial_result(|_| {})).ok();
        Self(tiff.and_then(read))
    }

    fn value(&self, tag: Tag) -> Option<&Value> {
        self.0.as_ref()?.get_field(tag, In::PRIMARY).map(|field| &field.value)
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

    /// The camera's orientation, 1 to 8; 1 if it is not stated.
    pub(crate) fn orientation(&self) -> u32 {
        self.value(Tag::Orientation).and_then(|value| value.get_uint(0)).filter(|n| (1..=8).contains(n)).unwrap_or(1)
    }

    /// Time, position and camera of the picture. `zone_quarters` is the device's zone, for cameras that do not state theirs.
    pub(crate) fn capture(&self, zone_quarters: i8) -> Capture {
        Capture { at: self.at(zone_quarters), position: self.position(), camera: self.camera() }
    }

    fn at(&self, zone_quarters: i8) -> Option<UnixMs> {
        let mut told = DateTime::from_ascii(self.text(Tag::DateTimeOriginal)?).ok()?;
        // An unreadable zone or fraction is left out; the time is still valid.
        let _ = self.text(Tag::OffsetTimeOriginal).map(|text| told.parse_offset(text));
        let _ = self.text(Tag::SubSecTimeOriginal).map(|text| told.parse_subsec(text));
        let offset = told.offset.filter(|minutes| minutes.abs() <= 14 * 60).map_or(i64::from(zone_quarters) * 15, i64::from);
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
        GeoPosition::new(lat, lon).filter(|_| fixed)
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
        let told = Told::read(Some(tiff));
        [Tag::GPSLatitude, Tag::GPSLongitude, Tag::GPSDestLatitude, Tag::GPSDestLongitude]
            .iter()
            .any(|tag| told.value(*tag).is_some())
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
    fn a_camera_is_named_without_what_can_not_be_printed() {
        assert_eq!(printable(b" HMD\x07 Global\xff\n"), "HMD Global");
    }
}
