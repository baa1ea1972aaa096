//! Who is at the device: enrolling, unlocking, locking.

use std::sync::Arc;

use doorstep_client::{Identity, Member, PersonRow};

use crate::{Cancel, DoorstepClient, DoorstepError};

/// Who this device is.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Person {
    /// The account.
    pub user: String,
    /// The name, for the screen.
    pub name: String,
    /// `courier`, `outlet`, ...
    pub role: String,
    /// The outlet's code.
    pub outlet: String,
    /// Whether a PIN is set. Without one only the platform or a new code unlocks.
    pub has_pin: bool,
}

/// A courier to whom a parcel can be assigned. For the screen, never for a log.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct Assignable {
    /// The account.
    pub user: String,
    /// The name.
    pub name: String,
}

impl std::fmt::Display for Assignable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Assignable({})", self.user)
    }
}

#[uniffi::export]
impl DoorstepClient {
    /// Redeems a one-time code from head office, then fetches rules, directory, parcels and cases. On an outlet's tablet a second
    /// person's code adds them. Cancelled while it fetches, the device is enrolled and the rest comes with the next sync.
    #[uniffi::method(default(cancel = None))]
    pub async fn enrol(
        self: Arc<Self>,
        server: String,
        code: String,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Person, DoorstepError> {
        self.remote(cancel, move |client| async move { client.enrol(&server, &code).await.map(Person::from) }).await
    }

    /// Who is signed in; on a locked device the last one who was; absent before enrolment.
    pub async fn person(&self) -> Result<Option<Person>, DoorstepError> {
        self.local(|client| {
            let Some(identity) = client.identity()? else { return Ok(None) };
            let member = client.members()?.into_iter().find(|member| member.author.user == identity.author.user);
            Ok(Some(member.map_or_else(|| Person::from(identity), Person::from)))
        })
        .await
    }

    /// Everybody who was enrolled on this device.
    pub async fn people(&self) -> Result<Vec<Person>, DoorstepError> {
        self.local(|client| Ok(client.members()?.into_iter().map(Person::from).collect())).await
    }

    /// The couriers to whom a parcel can be assigned, by account: those of the delivering outlet who have not left. Empty if this device
    /// does not know the outlet's people; then head office alone decides.
    pub async fn assignable(&self, waybill: String) -> Result<Vec<Assignable>, DoorstepError> {
        self.local(move |client| {
            let one = |PersonRow { account, name, .. }| Assignable { user: account, name };
            Ok(client.assignable(&waybill)?.into_iter().map(one).collect())
        })
        .await
    }

    /// Whether somebody must unlock first: the shift has ended, or nobody has unlocked yet.
    pub async fn is_locked(&self) -> Result<bool, DoorstepError> {
        self.local(|client| Ok(client.is_locked()?)).await
    }

    /// Sets the PIN of the person who is signed in: 4 to 12 digits.
    pub async fn set_pin(&self, pin: String) -> Result<(), DoorstepError> {
        self.local(move |client| Ok(client.set_pin(&pin)?)).await
    }

    /// Signs a person in with their PIN, until the shift ends. After five wrong ones only a new code from head office unlocks.
    pub async fn unlock(&self, user: String, pin: String) -> Result<(), DoorstepError> {
        self.local(move |client| Ok(client.unlock(&user, &pin)?)).await
    }

    /// Signs a person in because the platform vouches for them (finger, face, device credential), until the shift ends.
    pub async fn unlock_by_platform(&self, user: String) -> Result<(), DoorstepError> {
        self.local(move |client| Ok(client.unlock_by_platform(&user)?)).await
    }

    /// Locks: recording and reading wait for the next unlock. What is unsent is sent all the same.
    pub async fn lock(&self) -> Result<(), DoorstepError> {
        self.local(|client| Ok(client.lock()?)).await
    }
}

impl From<Identity> for Person {
    fn from(identity: Identity) -> Self {
        let author = identity.author;
        let (user, outlet, role) = (author.user.to_string(), author.outlet.to_string(), author.role.as_str().to_owned());
        Self { user, name: identity.name, role, outlet, has_pin: false }
    }
}

impl From<Member> for Person {
    fn from(member: Member) -> Self {
        let author = member.author;
        let (user, outlet, role) = (author.user.to_string(), author.outlet.to_string(), author.role.as_str().to_owned());
        Self { user, name: member.name, role, outlet, has_pin: member.pin.is_some() }
    }
}
