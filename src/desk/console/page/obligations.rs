//! Who has to do what on one incident, by when, and the forms to do it.

use maud::{Markup, html};

use super::incident::IncidentView;
use super::judge::reason;
use super::row::{Due, Step};
use crate::core::model::Millis;
use crate::core::obligation::{Disposition, Office, Role};
use crate::desk::console::text::shown;
use crate::desk::console::time::{self, DueKind};
use crate::desk::console::view::{self, Dept, Viewer};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// One department's duty on an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct ObligationView {
    /// Department.
    pub dept: Dept,
    /// It leads.
    pub lead: bool,
    /// The incident does not close without it.
    pub required: bool,
    /// Which of its offices.
    pub office: Office,
    /// State.
    pub step: Step,
    /// Deadline of the acknowledgement.
    pub acknowledge_by: Millis,
    /// Deadline of the disposition.
    pub dispose_by: Millis,
    /// Who acknowledged, and when.
    pub acknowledged: Option<(String, Millis)>,
    /// What it found: disposition, reason, who, when.
    pub disposed: Option<(Msg, String, String, Millis)>,
    /// Missed the acknowledgement, the disposition.
    pub missed: [bool; 2],
    /// Offered to another department, with the reason; this one's until that one accepts.
    pub transfer_to: Option<(Dept, String)>,
    /// Says that it is not its own: reason and who; it stays so until a coordinator agrees.
    pub declined: Option<(String, String)>,
    /// Waived, transferred or released: reason and who.
    pub ended: Option<(String, String)>,
    /// Came by escalation.
    pub escalated: bool,
}

impl ObligationView {
    /// What is due next.
    pub fn due(&self) -> Option<Due> {
        match self.step {
            Step::New => Some(Due {
                kind: DueKind::Acknowledge,
                at: self.acknowledge_by,
            }),
            Step::Acknowledged | Step::InProgress => Some(Due {
                kind: DueKind::Dispose,
                at: self.dispose_by,
            }),
            _ => None,
        }
    }
}

/// A form that makes one change of this incident.
pub fn form(viewer: &Viewer, view: &IncidentView, action: &str, inner: Markup) -> Markup {
    let address = format!("/incidents/{}/act", view.alert.incident_id);
    html! {
        form method="post" action=(address) hx-post=(address) hx-target="#incident" hx-swap="outerHTML" hx-disabled-elt="find button" {
            (widgets::form_fields(viewer, Some(view.version)))
            input type="hidden" name="action" value=(action);
            (inner)
        }
    }
}

/// The section.
pub fn section(viewer: &Viewer, view: &IncidentView) -> Markup {
    let required = view
        .obligations
        .iter()
        .filter(|it| it.required && it.step != Step::Waived);
    let (done, of) = required.fold((0, 0), |(done, of), it| {
        (
            done + u32::from(it.step == Step::Disposed || it.step == Step::Closed),
            of + 1,
        )
    });
    // An officer's own stand first; the others in the order of the case.
    let own = |it: &ObligationView| viewer.role == Role::Officer && viewer.acts_for(&it.dept.id);
    let (mine, others): (Vec<_>, Vec<_>) = view.obligations.iter().partition(|it| own(it));
    html! {
        section.card.obligations {
            h2 { (viewer.t(Msg::Obligations)) " " span.muted { (viewer.lang.fill(Msg::Quorum, format!("{done}/{of}"))) } }
            @for obligation in mine.into_iter().chain(others) { (one(viewer, view, obligation)) }
            @if view.step == Step::Closed && viewer.judges() {
                details #reopen open[view.draft.action == "reopen"] {
                    summary { (viewer.t(Msg::Reopen)) }
                    (form(viewer, view, "reopen", html! { (reason(viewer, &view.draft.text)) button { (viewer.t(Msg::Reopen)) } }))
                }
            }
        }
    }
}

fn one(viewer: &Viewer, view: &IncidentView, it: &ObligationView) -> Markup {
    let mine = viewer.acts_for(&it.dept.id);
    html! {
        div class={"obligation h-" (it.step.id()) @if mine { " mine" }} data-dept=(it.dept.id) {
            div.top {
                span.sign aria-hidden="true" { (it.step.sign()) }
                strong { (it.dept.name(viewer.lang)) }
                span.muted { (viewer.t(if it.lead { Msg::Lead } else if it.required { Msg::SupportRequired } else { Msg::Support })) }
                @if let Some(office) = office(it.office) { span.muted { "· " (viewer.t(office)) } }
                @if it.escalated { span.tag { (viewer.t(Msg::Escalated)) } }
                span.state { (viewer.t(it.step.name())) }
            }
            @if let Some(due) = it.due() { p.deadline { (time::due(viewer.lang, due.kind, due.at, viewer.now)) } }
            @if it.missed[0] { p.missed { "! " (viewer.t(Msg::MissedAcknowledge)) } }
            @if it.missed[1] { p.missed { "! " (viewer.t(Msg::MissedDispose)) } }
            (done(viewer, it))
            @if mine && view.open() && !it.escalated && it.due().is_some() { (actions(viewer, view, it)) }
            @if view.open() { (offer(viewer, view, it)) }
            @if viewer.coordinates() && view.open() && !it.lead && it.due().is_some() { (waive(viewer, view, it)) }
            @if viewer.coordinates() && view.open() && it.declined.is_some() && it.due().is_some() { (agree(viewer, view, it)) }
        }
    }
}

/// Name of an office; none for the one office of a department without tiers.
pub fn office(office: Office) -> Option<Msg> {
    match office {
        Office::Department => None,
        Office::Township => Some(Msg::TierTownship),
        Office::County => Some(Msg::TierCounty),
        Office::City => Some(Msg::TierCity),
        Office::Province => Some(Msg::TierProvince),
        Office::Country => Some(Msg::TierCountry),
        Office::Coordinators => Some(Msg::Coordinators),
    }
}

fn done(viewer: &Viewer, it: &ObligationView) -> Markup {
    html! {
        @if let Some((by, at)) = &it.acknowledged {
            p.muted { (viewer.t(Msg::StateAcknowledged)) " · " (shown(by)) " · " (time::instant(*at)) }
        }
        @if let Some((what, why, by, at)) = &it.disposed {
            p { strong { (viewer.t(*what)) } @if !why.is_empty() { ": “" (shown(why)) "”" } span.muted { " · " (shown(by)) " · " (time::instant(*at)) } }
        }
        @if let Some((why, by)) = &it.declined {
            p { strong { (viewer.t(Msg::Declined)) } ": “" (shown(why)) "” " span.muted { "· " (shown(by)) } }
        }
        @if let Some((why, by)) = &it.ended {
            p { strong { (viewer.t(it.step.name())) } @if !why.is_empty() { ": “" (shown(why)) "” " } @if !by.is_empty() { span.muted { " · " (shown(by)) } } }
        }
        @if let Some((to, why)) = &it.transfer_to {
            p { strong { (viewer.lang.fill(Msg::OfferedTo, to.name(viewer.lang))) } ": “" (shown(why)) "”" }
        }
    }
}

fn actions(viewer: &Viewer, view: &IncidentView, it: &ObligationView) -> Markup {
    let id = &it.dept.id;
    let simple = |action: &str, label: Msg, key: Option<&str>| {
        form(
            viewer,
            view,
            action,
            html! {
                input type="hidden" name="department" value=(id);
                button.primary[action == "acknowledge"] data-key=[key] { (viewer.t(label)) @if let Some(key) = key { " " kbd { (key) } } }
            },
        )
    };
    html! {
        div.buttons {
            @if it.step == Step::New { (simple("acknowledge", Msg::Acknowledge, Some("a"))) }
            @if it.step == Step::Acknowledged { (simple("start", Msg::Start, None)) }
            @if it.due().is_some() { (dispose(viewer, view, it)) (transfer(viewer, view, it)) }
            // The lead can only offer it to whoever should lead.
            @if it.due().is_some() && !it.lead { (decline(viewer, view, it)) }
        }
    }
}

fn drafted<'a>(view: &'a IncidentView, it: &ObligationView, action: &str) -> Option<&'a str> {
    let draft = &view.draft;
    (draft.action == action && draft.department == *it.dept.id).then_some(draft.text.as_str())
}

fn dispose(viewer: &Viewer, view: &IncidentView, it: &ObligationView) -> Markup {
    let draft = drafted(view, it, "dispose");
    html! {
        details.dispose open[draft.is_some()] data-key="d" {
            summary.button { (viewer.t(Msg::Dispose)) " " kbd { "d" } }
            (form(viewer, view, "dispose", html! {
                input type="hidden" name="department" value=(it.dept.id);
                (findings(viewer))
                (reason(viewer, draft.unwrap_or_default()))
                button.primary { (viewer.t(Msg::Dispose)) }
            }))
        }
    }
}

/// What became of it, to choose from.
pub fn findings(viewer: &Viewer) -> Markup {
    html! {
        fieldset { legend { (viewer.t(Msg::Finding)) }
            @for it in Disposition::ALL {
                label.choice { input type="radio" name="disposition" value=(it.id()) required; " " (viewer.t(view::disposition(*it))) }
            }
        }
    }
}

fn transfer(viewer: &Viewer, view: &IncidentView, it: &ObligationView) -> Markup {
    let draft = drafted(view, it, "transfer");
    html! {
        details open[draft.is_some()] {
            summary.button { (viewer.t(Msg::Transfer)) }
            (form(viewer, view, "transfer", html! {
                input type="hidden" name="department" value=(it.dept.id);
                label { (viewer.t(Msg::TransferTo))
                    select name="to" required {
                        @for dept in viewer.departments.iter().filter(|dept| dept.id != it.dept.id) {
                            option value=(dept.id) { (dept.name(viewer.lang)) }
                        }
                    }
                }
                (reason(viewer, draft.unwrap_or_default()))
                button { (viewer.t(Msg::Transfer)) }
            }))
        }
    }
}

fn decline(viewer: &Viewer, view: &IncidentView, it: &ObligationView) -> Markup {
    let draft = drafted(view, it, "decline");
    html! {
        details open[draft.is_some()] {
            summary.button { (viewer.t(Msg::Decline)) }
            (form(viewer, view, "decline", html! {
                input type="hidden" name="department" value=(it.dept.id);
                (reason(viewer, draft.unwrap_or_default()))
                button { (viewer.t(Msg::Decline)) }
            }))
        }
    }
}

fn waive(viewer: &Viewer, view: &IncidentView, it: &ObligationView) -> Markup {
    let draft = drafted(view, it, "waive");
    html! {
        details.waive open[draft.is_some()] {
            summary { (viewer.t(Msg::Waive)) }
            (form(viewer, view, "waive", html! {
                input type="hidden" name="department" value=(it.dept.id);
                (reason(viewer, draft.unwrap_or_default()))
                button { (viewer.t(Msg::Waive)) }
            }))
        }
    }
}

/// What the department that it was offered to can answer.
fn offer(viewer: &Viewer, view: &IncidentView, it: &ObligationView) -> Markup {
    let offered = it.transfer_to.as_ref();
    html! {
        @if let Some((to, _)) = offered.filter(|(to, _)| viewer.acts_for(&to.id)) {
            div.buttons {
                (form(viewer, view, "accept", html! {
                    input type="hidden" name="department" value=(to.id);
                    button.primary { (viewer.lang.fill(Msg::AcceptFrom, it.dept.name(viewer.lang))) }
                }))
            }
        }
    }
}

/// A coordinator agrees that an obligation is not this department's.
fn agree(viewer: &Viewer, view: &IncidentView, it: &ObligationView) -> Markup {
    html! {
        div.buttons {
            (form(viewer, view, "accept", html! {
                input type="hidden" name="department" value=(it.dept.id);
                button { (viewer.t(Msg::AgreeToDecline)) }
            }))
        }
    }
}
