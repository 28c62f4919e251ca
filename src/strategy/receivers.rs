//! The rules that hold between the keys of a receiver, and between receivers.

use std::collections::BTreeSet;

use super::notify::{Kind, NotifyDraft};
use super::row::Reading;

/// Names those that have no name, and notes every breach.
pub(super) fn check(receivers: &mut [NotifyDraft], reading: &Reading) {
    name(receivers, reading);
    for (number, draft) in receivers.iter().enumerate() {
        let receiver = Checked { draft, number, reading };
        receiver.its_secrets_stand_in_one_place_each();
        receiver.it_has_what_its_kind_needs();
        receiver.it_has_nothing_that_its_kind_ignores();
    }
}

/// One without a name is called by its kind, and by a number where others are called so already.
fn name(receivers: &mut [NotifyDraft], reading: &Reading) {
    let mut taken = BTreeSet::new();
    for (number, draft) in receivers.iter().enumerate().filter(|(_, draft)| !draft.name.is_empty()) {
        if !taken.insert(draft.name.clone()) {
            let at = reading.place(&format!("notify.{number}.name")).unwrap_or_default();
            let message = format!("another receiver is called `{}` already", draft.name);
            reading.mistakes.add(at, message, "give each a name of its own: warnings and metrics go by it");
        }
    }
    for draft in receivers.iter_mut().filter(|draft| draft.name.is_empty()) {
        let kind = draft.kind.code();
        let mut names = std::iter::once(kind.to_owned()).chain((2..).map(|number: u32| format!("{kind}-{number}")));
        draft.name = names.find(|name| !taken.contains(name)).unwrap_or_default();
        taken.insert(draft.name.clone());
    }
}

/// One receiver.
struct Checked<'a> {
    draft: &'a NotifyDraft,
    number: usize,
    reading: &'a Reading,
}

impl Checked<'_> {
    /// Notes what is wrong with a key that stands in the file.
    fn wrong(&self, key: &str, message: String, help: String) {
        if let Some(at) = self.reading.place(&format!("notify.{}.{key}", self.number)) {
            self.reading.mistakes.add(at, message, help);
        }
    }

    fn kind(&self) -> &'static str {
        self.draft.kind.code()
    }

    fn its_secrets_stand_in_one_place_each(&self) {
        let draft = self.draft;
        for (what, env, file) in
            [("url", &draft.url_env, &draft.url_file), ("token", &draft.token_env, &draft.token_file)]
        {
            if env.is_some() && file.is_some() {
                let message = format!("`{what}_env` and `{what}_file` exclude each other");
                self.wrong(&format!("{what}_file"), message, "delete one of them".to_owned());
            }
        }
    }

    fn it_has_what_its_kind_needs(&self) {
        let draft = self.draft;
        let place = |key: &str| format!("notify.{}.{key}", self.number);
        // One that is there and mistaken has its complaint already.
        let lacks = |keys: [&str; 2]| !keys.iter().any(|key| self.reading.is_mistaken(&place(key)));
        let (secret, there) = match draft.kind {
            Kind::Telegram => ("token", draft.token_env.is_some() || draft.token_file.is_some()),
            _ => ("url", draft.url_env.is_some() || draft.url_file.is_some()),
        };
        let Some(at) = self.reading.place(&format!("notify.{}", self.number)) else { return };
        let (env, file) = (format!("{secret}_env"), format!("{secret}_file"));
        let kind_is_good = self.reading.place(&place("kind")).is_some();
        if !there && kind_is_good && lacks([&env, &file]) {
            let message = format!("a {} has neither `{env}` nor `{file}`", self.kind());
            let help = format!("name the environment variable that holds its {secret}: `{env} = \"CLOREBID_NOTIFY\"`");
            self.reading.mistakes.add_labelled(at.clone(), message, "needs one of them", help);
        }
        if draft.kind == Kind::Telegram && draft.chat.is_none() && lacks(["chat", "chat"]) {
            let help = "for example `chat = \"-1001234567890\"`";
            self.reading.mistakes.add_labelled(at, "`chat` is missing in a telegram", "needs it", help);
        }
    }

    fn it_has_nothing_that_its_kind_ignores(&self) {
        let (draft, kind) = (self.draft, self.draft.kind);
        let takes_token = matches!(kind, Kind::Webhook | Kind::Telegram | Kind::Ntfy);
        for (key, there, taken) in [
            ("token_env", draft.token_env.is_some(), takes_token),
            ("token_file", draft.token_file.is_some(), takes_token),
            ("chat", draft.chat.is_some(), kind == Kind::Telegram),
            ("template", draft.template.is_some(), kind == Kind::Webhook),
        ] {
            if there && !taken {
                let message = format!("`{key}` has no effect: a receiver of kind `{}` does not use it", self.kind());
                self.wrong(key, message, format!("delete `{key}`"));
            }
        }
    }
}
