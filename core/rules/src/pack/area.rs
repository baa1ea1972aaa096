//! The areas in which outlets work, with which the places of photos are compared.

use doorstep_domain::{GeoPosition, OutletCode};
use serde::{Deserialize, Deserializer, Serialize};

use super::Pack;

/// A circle in which an outlet works. An outlet may have several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// The outlet.
    pub outlet: String,
    /// The middle of the circle. A pack writes `[latitude, longitude]` in degrees; south and west are negative.
    #[serde(deserialize_with = "degrees")]
    pub middle: GeoPosition,
    /// The radius in metres, 100 to 500,000.
    pub metres: u32,
}

/// Reads a position in degrees, to seven decimals.
fn degrees<'de, D: Deserializer<'de>>(from: D) -> Result<GeoPosition, D::Error> {
    let [lat, lon] = <[f64; 2]>::deserialize(from)?;
    // A cast from a float saturates, and a position refuses such values.
    let e7 = |degrees: f64| (degrees * 1e7).round() as i32;
    let is_number = lat.is_finite() && lon.is_finite();
    let position = is_number.then(|| GeoPosition::new(e7(lat), e7(lon))).flatten();
    position.ok_or_else(|| serde::de::Error::custom("a position is [latitude, longitude]: -90 to 90, then -180 to 180 degrees"))
}

impl Pack {
    /// The area of an outlet that a position is outside of, with its distance from the area's middle in metres. `None` if the
    /// position is in an area of the outlet, or if the outlet has none. Of several areas it is the one with the nearest edge.
    pub fn outside(&self, outlet: &OutletCode, position: &GeoPosition) -> Option<(&Area, u32)> {
        let of_outlet = self.areas.iter().filter(|area| area.outlet == outlet.as_str());
        let with_distance = of_outlet.map(|area| (area, area.middle.metres_to(position)));
        let nearest = with_distance.min_by_key(|(area, metres)| metres.saturating_sub(area.metres))?;
        (nearest.1 > nearest.0.metres).then_some(nearest)
    }
}
