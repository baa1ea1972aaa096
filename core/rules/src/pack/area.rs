//! The areas in which outlets work, with which the places of photos are compared.

use doorstep_domain::GeoPosition;
use serde::{Deserialize, Deserializer, Serialize};

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
