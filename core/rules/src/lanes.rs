//! When photos may be transferred. Thumbnails, photos and downloads are lanes with their own conditions, which the network sets
//! in the policy. A photo that waits too long is promoted: from then on it may use a metered network.

use doorstep_domain::UnixMs;
use serde::{Deserialize, Serialize};

/// The network's rules about photos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotoPolicy {
    /// Bytes are due at the server so many hours after their entry was accepted, 1 to 720.
    pub due_hours: u32,
    /// A device keeps its own photo so many days after the server has stored it, 0 to 365.
    pub keep_days: u32,
    /// Most megabytes of others' photos that a device keeps, 1 to 100,000.
    pub cache_mb: u32,
    /// A device calls its own photo lost when its file was missing for this many days, 1 to 365; `None` means
    /// [`LOST_AFTER_DAYS`]. Format 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_after_days: Option<u32>,
    /// Thumbnails, which go before everything except entries.
    pub thumbnails: Lane,
    /// Photos.
    pub photos: Lane,
    /// Automatic downloads: thumbnails of other devices' photos.
    pub downloads: Lane,
}

/// Days after which a missing photo is called lost, if the policy does not say, by our own judgement. Within two weeks a person comes back from a
/// holiday and puts the card back.
pub const LOST_AFTER_DAYS: u32 = 14;

/// The conditions for transfers of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// Over a metered network.
    pub metered: Metered,
    /// A photo that has waited this many hours may use a metered network without limit; `None` means never.
    pub promote_after_hours: Option<u32>,
    /// While roaming.
    pub roaming: bool,
    /// Least battery in percent, unless it is charging.
    pub least_battery: u8,
}

/// Whether a metered network is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metered {
    /// Never.
    Never,
    /// Up to this many megabytes of the lane a day.
    UpToMbADay(u32),
}

/// The platform's state of network and battery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Conditions {
    /// The network is metered.
    pub metered: bool,
    /// The phone is roaming.
    pub roaming: bool,
    /// Battery in percent; `None` if there is no battery.
    pub battery: Option<u8>,
    /// The battery is being charged.
    pub charging: bool,
}

/// Why a transfer waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// It waits for an unmetered network, until the given time if there is one.
    Metered(Option<UnixMs>),
    /// It waits for the home network.
    Roaming,
    /// It waits for more battery, or for a charger.
    Battery,
    /// The day's bytes over a metered network are used up.
    DayUsed,
}

impl Default for PhotoPolicy {
    fn default() -> Self {
        let lane = |metered, least_battery| Lane { metered, promote_after_hours: None, roaming: false, least_battery };
        Self {
            due_hours: 24,
            keep_days: 7,
            cache_mb: 200,
            lost_after_days: None,
            thumbnails: Lane { roaming: true, ..lane(Metered::UpToMbADay(50), 0) },
            photos: Lane { promote_after_hours: Some(6), ..lane(Metered::Never, 15) },
            downloads: lane(Metered::UpToMbADay(20), 15),
        }
    }
}

impl PhotoPolicy {
    /// A device calls its own photo lost when its file was missing for this many days.
    pub fn lost_after_days(&self) -> u32 {
        self.lost_after_days.unwrap_or(LOST_AFTER_DAYS)
    }

    /// The fault of values that no device can use.
    pub(crate) fn fault(&self) -> Option<String> {
        let late = |lane: &Lane| lane.promote_after_hours.is_some_and(|hours| hours > 720);
        let lanes = [&self.thumbnails, &self.photos, &self.downloads];
        let faults = [
            (!(1..=720).contains(&self.due_hours), "photos.due_hours outside 1 to 720"),
            (self.keep_days > 365, "photos.keep_days above 365"),
            (!(1..=100_000).contains(&self.cache_mb), "photos.cache_mb outside 1 to 100000"),
            (self.lost_after_days.is_some_and(|days| !(1..=365).contains(&days)), "photos.lost_after_days outside 1 to 365"),
            (lanes.iter().any(|lane| lane.least_battery > 100), "least_battery above 100 percent"),
            (lanes.iter().any(|lane| late(lane)), "promote_after_hours above 720"),
        ];
        faults.into_iter().find_map(|(holds, fault)| holds.then(|| fault.to_owned()))
    }
}

impl Lane {
    /// Whether a photo that was recorded then may be transferred now, given the bytes that its lane has used on metered networks
    /// today.
    pub fn judge(&self, conditions: &Conditions, recorded_at: UnixMs, metered_today: u64, now: UnixMs) -> Result<(), Hold> {
        let low = |battery: u8| battery < self.least_battery && !conditions.charging;
        if conditions.battery.is_some_and(low) {
            return Err(Hold::Battery);
        }
        if conditions.roaming && !self.roaming {
            return Err(Hold::Roaming);
        }
        if !conditions.metered {
            return Ok(());
        }
        let until = self.promote_after_hours.map(|hours| recorded_at.plus(i64::from(hours) * 3_600_000));
        // A promoted photo ignores the day's limit, because its deadline is near.
        if until.is_some_and(|until| now >= until) {
            return Ok(());
        }
        match self.metered {
            Metered::Never => Err(Hold::Metered(until)),
            Metered::UpToMbADay(most) if metered_today >= u64::from(most) * 1_000_000 => Err(Hold::DayUsed),
            Metered::UpToMbADay(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixMs = UnixMs(1_772_424_000_000);

    fn judged(change: impl FnOnce(&mut Conditions), metered_today: u64, now: UnixMs) -> Result<(), Hold> {
        let mut conditions = Conditions { battery: Some(80), ..Conditions::default() };
        change(&mut conditions);
        PhotoPolicy::default().photos.judge(&conditions, NOON, metered_today, now)
    }

    #[test]
    fn a_photo_waits_for_an_unmetered_network_until_its_hour_and_not_longer() {
        let six = NOON.plus(6 * 3_600_000);
        assert_eq!(judged(|_| (), 0, NOON), Ok(()));
        assert_eq!(judged(|c| c.metered = true, 0, NOON), Err(Hold::Metered(Some(six))));
        assert_eq!(judged(|c| c.metered = true, 0, six.plus(-1)), Err(Hold::Metered(Some(six))));
        assert_eq!(judged(|c| c.metered = true, u64::MAX, six), Ok(()), "promoted, whatever the day has used");
    }

    #[test]
    fn roaming_and_a_low_battery_hold_it_and_a_charger_helps() {
        assert_eq!(judged(|c| c.roaming = true, 0, NOON), Err(Hold::Roaming));
        assert_eq!(judged(|c| c.battery = Some(14), 0, NOON), Err(Hold::Battery));
        assert_eq!(judged(|c| c.battery = Some(15), 0, NOON), Ok(()));
        assert_eq!(judged(|c| (c.battery, c.charging) = (Some(2), true), 0, NOON), Ok(()));
    }

    #[test]
    fn thumbnails_go_at_once_until_the_day_is_used_up() {
        let lane = PhotoPolicy::default().thumbnails;
        let metered = Conditions { metered: true, roaming: true, battery: Some(1), charging: false };
        assert_eq!(lane.judge(&metered, NOON, 49_999_999, NOON), Ok(()));
        assert_eq!(lane.judge(&metered, NOON, 50_000_000, NOON), Err(Hold::DayUsed));
        assert_eq!(Lane { metered: Metered::Never, ..lane }.judge(&metered, NOON, 0, NOON), Err(Hold::Metered(None)));
    }
}
