//! What the platform owns: keys, SMS, connectivity and power, position, clocks. An app implements what it has; each has a
//! default where there is none. Called on threads of this library, never while the store is held; must return fast, may throw:
//! what is thrown becomes an error of the call that needed it, without its text. What is called within a call of the client must
//! not wait for another call of it: a sender that waited for `dispatch_sms` would wait for itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorstep_client::{Clock, Conditions, DeviceSigner, OutgoingSms, SignError, SmsSender, SystemClock};
use doorstep_domain::{BootId, GeoPosition, SmsFault, UnixMs};
use doorstep_store::Clocks;

use crate::{DoorstepError, commands::masked};

/// The device's key: P-256, in Secure Enclave or StrongBox where there is one. Without it, a software key beside the store.
#[uniffi::export(foreign)]
pub trait DeviceKey: Send + Sync {
    /// The public key: uncompressed point, 65 bytes. Asked when the client is opened, and again while there is none and after a
    /// signature that failed. Throw, or give no bytes, if there is no key: reading and recording go on, and a sync says with the code
    /// `device_key_lost` that the person must enrol again. A new key is used from that enrolment on.
    fn public_key(&self) -> Result<Vec<u8>, DoorstepError>;
    /// ES256 over the message: DER as platforms give it, or 64 bytes (r, s).
    fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, DoorstepError>;
}

/// The key of the database and the photo files: 32 random bytes that the platform's key store keeps.
#[uniffi::export(foreign)]
pub trait DatabaseKey: Send + Sync {
    /// The key. Asked when the store is opened and when it is opened again after a suspension.
    fn key(&self) -> Result<Vec<u8>, DoorstepError>;
    /// Erases it for good, together with the device's key: head office has ordered this device to be wiped. After this
    /// nobody can read the store, whatever is left of its files.
    fn erase(&self) -> Result<(), DoorstepError>;
}

/// Network and power as the platform sees them. Asked before each sync and when the app says that they changed.
#[uniffi::export(foreign)]
pub trait Connectivity: Send + Sync {
    /// How they are now.
    fn surroundings(&self) -> Result<Surroundings, DoorstepError>;
}

/// Network and power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct Surroundings {
    /// The network costs by the byte.
    #[uniffi(default = false)]
    pub metered: bool,
    /// The phone is roaming.
    #[uniffi(default = false)]
    pub roaming: bool,
    /// Battery in percent, 0 to 100; absent where there is none.
    #[uniffi(default = None)]
    pub battery: Option<u8>,
    /// The battery is being charged.
    #[uniffi(default = false)]
    pub charging: bool,
}

/// Where the device is. Asked only while photos are recorded, and kept only where the camera wrote no position itself.
#[uniffi::export(foreign)]
pub trait Location: Send + Sync {
    /// The last known position; absent if there is none or the app may not know.
    fn position(&self) -> Result<Option<Position>, DoorstepError>;
}

/// A position on earth (WGS 84), in degrees.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct Position {
    /// North is positive, -90 to 90.
    pub latitude: f64,
    /// East is positive, -180 to 180.
    pub longitude: f64,
    /// How far off it may be, in metres, as the platform says; absent if it does not.
    #[uniffi(default = None)]
    pub accuracy_m: Option<f64>,
}

/// The device's clocks, read together. Without it, the operating system's; those know one boot from another on Linux and Android only,
/// so an app elsewhere implements this.
#[uniffi::export(foreign)]
pub trait DeviceClock: Send + Sync {
    /// What they say now.
    fn now(&self) -> Result<ClockReading, DoorstepError>;
}

/// What the clocks say.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ClockReading {
    /// The wall clock: milliseconds since 1970, UTC.
    pub wall_ms: i64,
    /// Milliseconds since boot, sleep included; it must not follow the wall clock.
    pub since_boot_ms: i64,
    /// Tells one boot from another: a boot count, a boot id. It must be the same for the whole boot, also after the app was killed, and
    /// another one after each restart; and never made of the wall clock, which moves. On Apple systems that is the sysctl
    /// `kern.bootsessionuuid`. A platform without such a word gives a random one made once in each process: then times are proven only from each process's first contact with head office on.
    pub boot: String,
    /// Minutes east of UTC.
    pub zone_minutes: i32,
}

/// The phone's way to send SMS: a message app that the person confirms, or sending by itself where it may. Without it only head
/// office's gateway sends.
#[uniffi::export(foreign)]
pub trait SmsPlatform: Send + Sync {
    /// Whether an SMS could be sent now: there is cellular service, and the app may.
    fn can_send(&self) -> Result<bool, DoorstepError>;
    /// Begins to send; what comes of it is told by `sms_result`, in this process or a later one. Returns nothing when it has begun,
    /// a fault when surely nothing was sent (`no_service`, `radio_off`, `null_pdu`, `generic`). Something thrown counts as `generic`:
    /// nobody sends again by himself.
    fn send(&self, message: SmsToSend) -> Result<Option<String>, DoorstepError>;
}

/// An SMS for the platform to send.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct SmsToSend {
    /// Names this try; give it back with each result.
    pub reference: String,
    /// The number.
    pub to: String,
    /// The whole text, for a message app.
    pub text: String,
    /// Its segments, for a phone that sends by itself.
    pub parts: Vec<String>,
}

masked!(SmsToSend);

pub(crate) struct HostSigner {
    /// Empty while the host has none.
    public_key: Mutex<Vec<u8>>,
    host: Arc<dyn DeviceKey>,
}

impl HostSigner {
    /// A host that has no key, or has lost it, still lets the person read and record.
    pub(crate) fn of(host: Arc<dyn DeviceKey>) -> Self {
        let signer = Self { public_key: Mutex::default(), host };
        signer.public_key();
        signer
    }

    fn known(&self) -> MutexGuard<'_, Vec<u8>> {
        self.public_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeviceSigner for HostSigner {
    fn public_key(&self) -> Vec<u8> {
        let mut known = self.known();
        if known.is_empty() {
            *known = self.host.public_key().unwrap_or_default();
        }
        known.clone()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let used = self.public_key();
        if let Ok(signature) = self.host.sign(message.to_vec()) {
            return Ok(signature);
        }
        // A key store that has lost the key gives another one, or none, when it is asked again.
        let present = self.host.public_key().unwrap_or_default();
        let is_lost = present.is_empty() || present != used;
        *self.known() = present;
        Err(if is_lost { SignError::Lost } else { SignError::Platform("the platform's key store refused".to_owned()) })
    }
}

pub(crate) struct HostClock {
    host: Arc<dyn DeviceClock>,
    own: SystemClock,
}

impl HostClock {
    pub(crate) fn of(host: Arc<dyn DeviceClock>) -> Self {
        Self { host, own: SystemClock::new() }
    }
}

impl Clock for HostClock {
    /// A clock that fails is replaced by the operating system's, whose boot is another one: nothing is compared that must not be.
    fn read(&self) -> Clocks {
        match self.host.now() {
            Ok(ClockReading { wall_ms, since_boot_ms, boot, .. }) => {
                // FNV-1a gives the same mark in all versions of this library.
                let mark = boot.bytes().fold(0x811c_9dc5_u32, |mark, byte| (mark ^ u32::from(byte)).wrapping_mul(0x0100_0193));
                let mono_ms = u64::try_from(since_boot_ms).unwrap_or(0);
                Clocks { wall: UnixMs(wall_ms), mono_ms, boot: BootId(mark.to_be_bytes()) }
            }
            Err(_) => self.own.read(),
        }
    }

    fn zone_quarters(&self) -> i8 {
        let told = self.host.now().ok().and_then(|reading| i8::try_from(reading.zone_minutes / 15).ok());
        told.unwrap_or_else(|| self.own.zone_quarters())
    }
}

pub(crate) struct HostSms(pub Arc<dyn SmsPlatform>);

impl SmsSender for HostSms {
    fn can_send(&self) -> bool {
        self.0.can_send().unwrap_or(false)
    }

    fn send(&self, message: &OutgoingSms) -> Result<(), SmsFault> {
        let OutgoingSms { reference, to, text, parts } = message.clone();
        match self.0.send(SmsToSend { reference, to, text, parts }) {
            Ok(None) => Ok(()),
            Ok(Some(fault)) => Err(SmsFault::from_word(&fault).unwrap_or(SmsFault::Generic)),
            Err(_) => Err(SmsFault::Generic),
        }
    }
}

impl From<Surroundings> for Conditions {
    fn from(Surroundings { metered, roaming, battery, charging }: Surroundings) -> Self {
        Self { metered, roaming, battery, charging }
    }
}

impl Position {
    /// In ten-millionths of a degree; `None` off the earth.
    pub(crate) fn on_earth(self) -> Option<GeoPosition> {
        let is_on_earth = self.latitude.abs() <= 90.0 && self.longitude.abs() <= 180.0;
        #[allow(clippy::cast_possible_truncation, reason = "within the range of i32")]
        let e7 = |degrees: f64| (degrees * 1e7).round() as i32;
        let position = is_on_earth.then(|| GeoPosition::new(e7(self.latitude), e7(self.longitude))).flatten()?;
        let metres = self.accuracy_m.filter(|metres| metres.is_finite() && *metres >= 0.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast from a float saturates")]
        let accuracy_m = metres.map(|metres| metres.ceil() as u32);
        Some(GeoPosition { accuracy_m, ..position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a key store gives now: a public key, and whether it signs.
    struct Host(Mutex<(Result<Vec<u8>, DoorstepError>, bool)>);

    impl DeviceKey for Host {
        fn public_key(&self) -> Result<Vec<u8>, DoorstepError> {
            self.0.lock().unwrap().0.clone()
        }

        fn sign(&self, _message: Vec<u8>) -> Result<Vec<u8>, DoorstepError> {
            if self.0.lock().unwrap().1 { Ok(vec![1]) } else { Err(DoorstepError::host()) }
        }
    }

    #[test]
    fn a_key_store_that_lost_the_key_is_told_apart_from_one_that_does_not_sign_now() {
        let host = Arc::new(Host(Mutex::new((Ok(vec![4; 65]), true))));
        let signer = HostSigner::of(host.clone());
        assert!(signer.sign(b"m").is_ok());
        let signs_with = |key, signs| {
            *host.0.lock().unwrap() = (key, signs);
            signer.sign(b"m")
        };
        assert!(matches!(signs_with(Ok(vec![4; 65]), false), Err(SignError::Platform(_))), "the same key, which needs a person");
        for lost in [Ok(vec![5; 65]), Ok(vec![]), Err(DoorstepError::host())] {
            assert!(signs_with(Ok(vec![4; 65]), true).is_ok());
            *signer.known() = vec![4; 65];
            assert!(matches!(signs_with(lost.clone(), false), Err(SignError::Lost)), "{lost:?}");
            assert_eq!(signer.public_key(), lost.unwrap_or_default(), "what it has now is what the next enrolment uses");
        }
        // A host without a key is asked again until it has one.
        *host.0.lock().unwrap() = (Err(DoorstepError::host()), false);
        let signer = HostSigner::of(host.clone());
        assert!(signer.public_key().is_empty());
        *host.0.lock().unwrap() = (Ok(vec![6; 65]), true);
        assert_eq!(signer.public_key(), vec![6; 65]);
    }
}
