//! How the signed-in person sees a case. The rules decide; this module supplies who is signed in and who has the parcel.

use doorstep_domain::Parcel;
use doorstep_rules::{Sight, shown};
use doorstep_store::{CaseView, KnownCases, StoreError};

use crate::{Client, ClientError};

impl Client {
    /// How the signed-in person sees customers' data in a case. On a device that is not enrolled nobody sees them.
    pub fn sight(&self, view: &CaseView) -> Result<Sight, ClientError> {
        let store = self.inner.store();
        let Some(who) = store.identity()? else { return Ok(Sight::Masked) };
        let row = store.parcel(&view.case.facts.waybill)?;
        Ok(Sight::on_device(&who.author, &view.case, row.as_ref()))
    }

    /// A row of the list as the person who is signed in sees it.
    pub(crate) fn seen(&self, row: Parcel) -> Result<Parcel, ClientError> {
        let mut store = self.inner.store();
        let Some(who) = store.identity()? else { return Ok(Sight::Masked.row(row)) };
        let mut known = KnownCases::default();
        match store.know(&row.waybill, &mut known) {
            // A damaged case must not keep the courier from the door: then the row alone says whose the parcel is.
            Ok(()) | Err(StoreError::Damaged(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(shown(&who.author, known.case(&row.waybill), row))
    }
}
