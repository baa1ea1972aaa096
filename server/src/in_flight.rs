//! Limits how many bodies of one device the server holds at once. A device sends one after the other. A few more are allowed,
//! because a request that the device has given up may still be on its way. The limit keeps an attacker with an enrolled device to
//! four bodies.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use doorstep_domain::DeviceId;
use prometheus_client::metrics::counter::Counter;

use crate::error::ApiError;

/// The largest number of bodies of one device at once, received or sent.
pub(crate) const BODIES: usize = 4;
/// The largest number of streams of hints of one device at once. An app that lost its connection opens the next stream before the
/// server knows of the loss.
pub(crate) const STREAMS: usize = 3;

/// The number of running tasks of one kind, by device.
pub(crate) struct InFlight {
    most: usize,
    taken: Mutex<HashMap<DeviceId, usize>>,
    /// How often a device was refused a place.
    pub refused: Counter,
}

/// A device's place for one task, until dropped.
pub(crate) struct Place {
    all: Arc<InFlight>,
    device: DeviceId,
}

impl InFlight {
    /// Makes a limit of `most` places for each device.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default(), refused: Counter::default() })
    }

    /// Takes a place, or refuses a device that has too many.
    pub(crate) fn enter(self: &Arc<Self>, device: DeviceId) -> Result<Place, ApiError> {
        let mut places = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = places.entry(device).or_default();
        if *taken >= self.most {
            self.refused.inc();
            return Err(ApiError::Busy);
        }
        *taken += 1;
        drop(places);
        Ok(Place { all: self.clone(), device })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.all.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = places.get_mut(&self.device) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                places.remove(&self.device);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_four_places_gives_them_back_and_takes_none_of_anothers() {
        let all = InFlight::new(BODIES);
        let (one, other) = (DeviceId::new([1; 16]), DeviceId::new([2; 16]));
        let mut places: Vec<Place> = (0..BODIES).map(|_| all.enter(one).ok().unwrap()).collect();
        assert!(matches!(all.enter(one), Err(ApiError::Busy)));
        assert!(all.enter(other).is_ok());
        places.pop();
        assert!(all.enter(one).is_ok());
        drop(places);
        assert!(all.taken.lock().unwrap().is_empty());
    }
}
