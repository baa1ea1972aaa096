//! How the signed-in person sees a case. The rules decide; this module supplies who is signed in and who has the parcel.

use doorstep_rules::Sight;
use doorstep_store::CaseView;

use crate::{Client, ClientError};

impl Client {
    /// How the signed-in person sees customers' data in a case. On a device that is not enrolled nobody sees them.
    pub fn sight(&self, view: &CaseView) -> Result<Sight, ClientError> {
        let store = self.inner.store();
        let Some(who) = store.identity()? else { return Ok(Sight::Masked) };
        let row = store.parcel(&view.case.facts.waybill)?;
        Ok(Sight::on_device(&who.author, &view.case, row.as_ref()))
    }
}
